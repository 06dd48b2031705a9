"""Networks live side by side, and nothing that isn't ours is touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]

GC = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def foreign() -> Iterator[set[str]]:
    """Namespaces, bridges and veths that look like ours and aren't."""
    names = {"h1", "s1", "emulator-dc"}
    links = {"s1": "bridge", "h1-eth0": "veth", "sentinel": "bridge"}
    for name in names:
        ip("netns", "add", name)
    for name, kind in links.items():
        ip("link", "add", name, "type", kind)
    yield names | set(links)
    for name in names:
        ip("netns", "del", name)
    for name in links:
        ip("link", "del", name)


def test_what_is_not_ours_is_untouched(
    tmp_path: Path, cli: CommandLine, foreign: set[str], state_dir: Path
) -> None:
    (tmp_path / "a.yaml").write_text("name: dc\ntopology: {generator: fat-tree, k: 4}\n")
    before = ip("-o", "link"), ip("netns", "list")
    cli("up", "a.yaml", code=0)
    assert (ip("-o", "link"), ip("netns", "list")) == before
    (state_dir / "dc" / "foreign-file").touch()
    cli("down", "--all", code=0)
    after = ip("-o", "link"), ip("netns", "list")
    assert after == before
    assert foreign


def test_five_networks_at_once(tmp_path: Path, cli: CommandLine) -> None:
    for number in range(5):
        text = f"name: net{number}\ntopology: {{generator: tree, depth: 2, fanout: 4}}\n"
        (tmp_path / f"{number}.yaml").write_text(text)
        cli("up", f"{number}.yaml", code=0)
    for number in range(5):
        found = cli.json("check", f"net{number}")
        assert (found["pairs"], found["reachable"]) == (240, 240)
    assert "several networks are up" in cli("exec", "h1", "--", "true", code=2).stderr
    for number in (2, 0, 4):
        cli("down", f"net{number}", code=0)
        for other in range(5):
            running = cli.json("status")["networks"]
            assert all(network["running"] for network in running), (number, other)
    assert [network["network"] for network in cli.json("status")["networks"]] == ["net1", "net3"]
    assert cli.json("check", "net3")["unexpected"] == []
    cli("down", "--all", code=0)


def test_a_sysctl_is_restored_when_the_last_network_that_needs_it_goes(
    tmp_path: Path, cli: CommandLine
) -> None:
    original = GC.read_text()
    if int(original) > 1_000_000:
        pytest.skip(f"gc_thresh3 is {original.strip()} already: nothing would have to be raised")
    try:
        for name, hosts in (("small", 2), ("large", 600), ("larger", 700)):
            text = (
                f"name: {name}\ntopology: {{generator: linear, k: 4, hosts_per_switch: {hosts // 4 or 1}}}\n"
            )
            (tmp_path / f"{name}.yaml").write_text(text)
        cli("up", "small.yaml", code=0)
        cli("up", "large.yaml", code=0)
        first = int(GC.read_text())
        assert first > int(original)
        cli("up", "larger.yaml", code=0)
        assert int(GC.read_text()) > first
        cli("down", "large", code=0)
        assert int(GC.read_text()) > int(original)
        cli("down", "larger", code=0)
        cli("down", "small", code=0)
        assert GC.read_text() == original
    finally:
        cli("down", "--all")


def test_two_commands_on_one_network_do_not_mix(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntopology: {generator: linear, k: 10, hosts_per_switch: 40}\n")
    argv = [sys.executable, "-m", "emulator"]
    many = [
        subprocess.Popen([*argv, *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for words in (["up", "a.yaml"], ["up", "a.yaml"], ["down", "a"], ["up", "a.yaml"])
    ]
    said = [process.communicate(timeout=120)[1] for process in many]
    codes = {process.returncode for process in many}
    assert codes <= {0, 4}, said
    for code, words in zip((process.returncode for process in many), said, strict=True):
        if code == 4:
            assert "another command is changing network `a`" in words
    cli("up", "a.yaml", code=0)
    assert cli.json("check", "a", "--sample", "200")["unexpected"] == []
    cli("down", "a", code=0)


FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
LANS = """\
name: lans
topology:
  nodes: {h1: {ip: 10.1.0.1/24}, h2: {ip: 10.1.0.2/24}, h3: {ip: 10.2.0.3/24}}
  links: [[h1, h2], [h2, h3]]
"""


@pytest.fixture
def machine_that_forwards() -> Iterator[None]:
    """A machine with ip_forward 1, as with Docker. Only this test changes it; `finally` restores it."""
    before = FORWARDING.read_text()
    try:
        FORWARDING.write_text("1")
        yield
    finally:
        FORWARDING.write_text(before)


def forwarding(cli: CommandLine, node: str) -> set[str]:
    words = ("sh", "-c", "sysctl -n net.ipv4.ip_forward; grep -h . /proc/sys/net/ipv4/conf/*/forwarding")
    return set(cli("exec", node, "--", *words, code=0).stdout.split())


@pytest.mark.usefixtures("machine_that_forwards")
def test_hosts_do_not_forward_on_a_machine_that_does(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "lans.yaml").write_text(LANS)
    cli("up", "lans.yaml", code=0)
    assert forwarding(cli, "h2") == {"0"}
    cli("exec", "h2", "--", "ip", "address", "add", "10.2.0.2/24", "dev", "h2-eth1", code=0)
    cli("exec", "h1", "--", "ip", "route", "add", "10.2.0.0/24", "via", "10.1.0.2", code=0)
    cli("exec", "h3", "--", "ip", "route", "add", "10.1.0.0/24", "via", "10.2.0.2", code=0)
    cli("exec", "h1", "--", "ping", "-nc1", "-W1", "10.1.0.2", code=0)
    cli("exec", "h3", "--", "ping", "-nc1", "-W1", "10.2.0.2", code=0)
    ping = ("exec", "h1", "--", "ping", "-nc1", "-W0.3", "10.2.0.3")
    cli(*ping, code=1)
    cli("exec", "h2", "--", "sysctl", "-qw", "net.ipv4.ip_forward=1", code=0)
    cli(*ping, code=0)  # so nothing else stood in the way
    cli("down", "lans", code=0)


@pytest.mark.usefixtures("machine_that_forwards")
def test_routers_and_compute_hosts_on_a_machine_that_forwards(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "vpc.yaml").write_text(
        "name: vpc\nforwarding: routed\ntopology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2}\n"
    )
    cli("up", "vpc.yaml", code=0)
    assert (forwarding(cli, "h1"), forwarding(cli, "leaf1")) == ({"0"}, {"1"})
    found = cli.json("check", "vpc")
    assert (found["unexpected"], found["reachable"] > 0) == ([], True)
    assert "deviation" not in cli("status", "vpc", code=0).stdout
    cli("down", "vpc", code=0)
