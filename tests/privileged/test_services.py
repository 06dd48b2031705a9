"""Services, variables and sysctls of nodes on the kernel: from `up` to `down`, through kills and changes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

import emulator
from emulator.engines.registry import attach
from emulator.engines.store import store_of
from emulator.errors import BrokenError, RefusedError
from emulator.linux.processes.running import stat
from emulator.state import NetworkState

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = """\
name: svc
topology: {generator: single, hosts: 2}
nodes:
  - match: {name: h1}
    environment: {GREETING: hello}
    sysctl:
      {net.ipv4.ip_forward: 1, net.ipv4.tcp_rmem: 4096 87380 6291456, net.ipv4.conf.h1-eth0.rp_filter: 2}
    run:
      page: {command: [sh, -c, 'echo "$GREETING $HOSTNAME" > %s/index.html'], once: true}
      web: {command: python3 -m http.server 80 --directory %s, ready: {port: 80}}
  - match: {name: h2}
    run:
      asks: {command: [sleep, "1000"], ready: {command: [python3, -c, '%s']}}
"""
ASK = 'import urllib.request as u; u.urlopen("http://h1/")'


@pytest.fixture
def file(tmp_path: Path, state_dir: Path) -> Iterator[Path]:
    path = tmp_path / "svc.yaml"
    path.write_text(FILE % (tmp_path, tmp_path, ASK))
    yield path
    if state_dir.exists():
        emulator.attach("svc").down()


@pytest.fixture
def folder(state_dir: Path) -> Path:
    return state_dir / "svc" / "services"


def process_of(folder: Path, service: str) -> int:
    said = json.loads((folder / "status.json").read_text())["services"]
    return int(next(one["process"]["pid"] for one in said if one["name"] == service))


def supervisor_of(folder: Path) -> int:
    return int(json.loads((folder / "supervisor.pid").read_text())["pid"])


def eventually(holds: Callable[[], bool], within: float = 20) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def sysctl(net: emulator.Network, name: str, node: str = "h1") -> str:
    """Return a sysctl of a node as sysctl(8) has it."""
    return " ".join(net[node].run(["sysctl", "-n", name]).output.split())


def is_gone(pid: int) -> bool:
    found = stat(pid)
    return found is None or found.ended


def test_services_live_from_up_to_down_and_what_differs_is_changed(
    cli: CommandLine, file: Path, folder: Path
) -> None:
    up = cli("up", str(file), code=0)
    assert "3 services ready: page of h1, web of h1, asks of h2" in up.stdout + up.stderr
    net = emulator.attach("svc")
    page = net["h2"].run(["python3", "-c", ASK.replace("u.urlopen", "print(u.urlopen") + ".read())"])
    assert "hello h1" in page.output
    assert sysctl(net, "net.ipv4.ip_forward") == "1"
    assert sysctl(net, "net.ipv4.tcp_rmem") == "4096 87380 6291456"
    assert sysctl(net, "net.ipv4.conf.h1-eth0.rp_filter") == "2"
    facts = cli.json("status", "svc", "h1")
    assert [(one["name"], one["state"]) for one in facts["services"]] == [("page", "done"), ("web", "ready")]
    web, asks = process_of(folder, "web"), process_of(folder, "asks")
    usual = sysctl(net, "net.ipv4.tcp_rmem", "h2")
    text = file.read_text().replace("net.ipv4.tcp_rmem: 4096 87380 6291456, ", "").replace("1000", "1001")
    file.write_text(text)
    changed = cli("up", str(file), code=0)
    words = changed.stdout + changed.stderr
    assert "h1: sysctl net.ipv4.tcp_rmem removed" in words
    assert "h2: service asks changed" in words
    assert sysctl(net, "net.ipv4.tcp_rmem") == usual
    assert process_of(folder, "web") == web, "it went on"
    assert is_gone(asks)
    pids = [web, process_of(folder, "asks"), supervisor_of(folder)]
    cli("down", "svc", code=0)
    assert all(map(is_gone, pids))


def test_what_ends_starts_again_and_what_deviates_is_named_and_repaired(file: Path, folder: Path) -> None:
    net = emulator.up(file)
    first, asks = process_of(folder, "web"), process_of(folder, "asks")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: process_of(folder, "web") != first and not net.deviations())
    os.kill(supervisor_of(folder), signal.SIGKILL)
    os.kill(process_of(folder, "web"), signal.SIGKILL)
    net["h1"].run("sysctl -w net.ipv4.ip_forward=0")
    eventually(lambda: is_gone(process_of(folder, "web")))
    assert [str(one) for one in net.deviations()] == [
        "h1: sysctl net.ipv4.ip_forward: expected 1, found 0",
        "supervisor of the services is missing",
        "h1: service web: expected ready, found ended",
    ]
    emulator.up(file)
    assert not net.deviations()
    assert process_of(folder, "asks") == asks, "it ran all the time"
    assert sysctl(net, "net.ipv4.ip_forward") == "1"
    file.write_text(file.read_text().partition("    run:")[0])
    net = emulator.up(file)
    assert is_gone(asks), "a file without services ends them all"
    assert not net.deviations()


def test_what_stress_removes_returns_with_its_sysctls_and_services(file: Path, folder: Path) -> None:
    emulator.up(file)
    web = process_of(folder, "web")
    network = attach("svc")
    names = network.topology.names
    with network.session() as session:
        session.remove_node(names.index("h1"))
        session.add_node(names.index("h1"))
        session.remove_link(1 - int(network.topology.ends[0, 1] == names.index("h1")))
    net = emulator.attach("svc")
    assert sysctl(net, "net.ipv4.ip_forward") == "1"
    assert sysctl(net, "net.ipv4.conf.h1-eth0.rp_filter") == "2"
    eventually(lambda: process_of(folder, "web") != web and not net.deviations())


def test_a_service_that_fails_fails_up_with_its_last_words(file: Path, state_dir: Path) -> None:
    good = file.read_text()
    file.write_text(good.replace("python3 -m http.server 80", "python3 -m http.sever 80"))
    with pytest.raises(BrokenError, match="service web of h1: exit code 1; its last words:") as caught:
        emulator.up(file)
    assert "No module named http.sever" in str(caught.value)
    assert not (state_dir / "svc").exists(), "nothing is left of it"
    net = emulator.up({"name": "svc", "topology": {"generator": "single", "hosts": 2}})
    file.write_text(good.replace("sleep,", "slip,"))
    with pytest.raises(BrokenError, match="can't run `slip` in h2"):
        emulator.up(file)
    assert len(emulator.attach("svc").deviations()) == 1
    file.write_text(good)
    emulator.up(file)
    assert not net.deviations()


def test_a_node_that_is_made_again_gets_its_services_again(file: Path, folder: Path, tmp_path: Path) -> None:
    net = emulator.up(file)
    web = process_of(folder, "web")
    (tmp_path / "index.html").unlink()
    state = NetworkState(folder.parents[1], "svc")
    with store_of(state).entered():
        store_of(state).remove("h1")
    assert "node h1 is missing" in map(str, net.deviations())
    emulator.up(file)
    assert not net.deviations()
    assert (tmp_path / "index.html").exists(), "what runs once ran once more"
    assert process_of(folder, "web") != web


def test_impossible_sysctls_are_refused_before_anything_is_made(file: Path, state_dir: Path) -> None:
    text = file.read_text()
    for wrong, words in (
        ("net.ipv4.ip_forward: x", "the kernel refuses x in a node: Invalid argument"),
        ("net.core.netdev_max_backlog: 5", "no node has it"),
        ("net.ipv4.conf.h2-eth0.rp_filter: 2", "h1 has no interface h2-eth0, but h1-eth0"),
    ):
        file.write_text(text.replace("net.ipv4.ip_forward: 1", wrong))
        with pytest.raises(RefusedError, match=words):
            emulator.up(file)
        assert not (state_dir / "svc").exists()
