"""The real Mininet as an engine: all verbs, changes, killed drivers, refusals, and the exported script."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import throughput
from support.command import CommandLine

from emulator.checks.reachability import check_reachability
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import began
from emulator.engines.mininet import local
from emulator.engines.mininet.document import document
from emulator.engines.mininet.engine import MininetEngine
from emulator.engines.mininet.network import MininetNetwork
from emulator.engines.registry import attach
from emulator.errors import BrokenError
from emulator.ovs.planned_bridges import bridges_of
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load, load_text

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def lacks(*programs: str) -> bool:
    return any(shutil.which(program, path=PATH) is None for program in programs)


pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.skipif(lacks("mnexec", "brctl"), reason="needs Debian's mininet and bridge-utils"),
]
needs_ovs = pytest.mark.skipif(lacks("ovs-vswitchd"), reason="needs Debian's openvswitch-switch")

RING = """\
name: m
engine: mininet
topology: {generator: ring, k: 4, hosts_per_switch: 1}
"""


@pytest.fixture(params=["bridge", pytest.param("ovs", marks=needs_ovs)])
def ring(request: pytest.FixtureRequest, tmp_path: Path, cli: CommandLine) -> str:
    text = RING + f"switch: {request.param}\n"
    (tmp_path / "m.yaml").write_text(text)
    cli("up", "m.yaml", code=0)
    return text


def network() -> MininetNetwork:
    found = attach("m")
    assert isinstance(found, MininetNetwork)
    return found


def driver_pid(state: Path) -> int:
    record = json.loads((state / "m" / "record.json").read_text(encoding="utf-8"))
    return int(record["options"]["driver"]["pid"])


def assert_nothing_left(state: Path) -> None:
    assert not state.exists(), list(state.iterdir())
    assert str(state) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def test_all_verbs(ring: str, cli: CommandLine, state_dir: Path, tmp_path: Path) -> None:
    before = Path("/proc/net/dev").read_text(encoding="utf-8").count("\n")
    assert cli("status", "m", code=0).stdout.startswith("m: up, ")
    assert cli("exec", "h1", "--", "sh", "-c", "echo out; echo err >&2; exit 7").returncode == 7
    done = cli("exec", "h1", "--", "ping", "-n", "-c1", "-W2", "h3", code=0)
    assert "64 bytes from 10.0.0.3" in done.stdout
    assert done.stderr == ""
    assert cli.json("check", "m")["unexpected"] == []
    for words in (("s1", "s2", "down"), ("s1", "s2", "up"), ("h1", "s1", "down"), ("h1", "s1", "up")):
        cli("link", *words, code=0)
        assert cli.json("check", "m")["unexpected"] == []
    cli("link", "h1", "s1", "set", "--bandwidth", "20Mbit", code=0)
    assert "rate 20Mbit" in cli("exec", "h1", "--", "tc", "class", "show", "dev", "h1-eth0", code=0).stdout
    cli("link", "h1", "s1", "set", "--bandwidth", "none", code=0)
    assert "htb" not in cli("exec", "h1", "--", "tc", "qdisc", "show", "dev", "h1-eth0", code=0).stdout
    cli("capture", "h1:0", "-o", str(tmp_path / "x.pcap"), "--seconds", "0.5", code=0)
    assert cli("shell", "m", stdin="h1 ping -c1 h2\n", code=0).stdout.count("64 bytes from") == 1
    pid = driver_pid(state_dir)
    assert os.getsid(pid) == pid
    mode = (state_dir / "m" / "mininet" / "driver.sock").stat().st_mode
    assert mode & 0o777 == 0o600
    cli("down", "m", code=0)
    assert began(pid) == -1
    assert_nothing_left(state_dir)
    assert Path("/proc/net/dev").read_text(encoding="utf-8").count("\n") == before


def test_mininets_own_command_line(ring: str, cli: CommandLine) -> None:
    done = cli("shell", "m", "--mininet", stdin="nodes\nh1 ping -c1 h3\npy len(net.hosts)\n", code=0)
    assert "h1 h2 h3 h4" in done.stderr
    assert "64 bytes from 10.0.0.3" in done.stderr
    assert "\n4\n" in done.stderr
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)


def test_quick_changes_are_given_back(ring: str, cli: CommandLine) -> None:
    held = network()
    names = list(held.topology.names)
    h1, h2, s3 = (names.index(name) for name in ("h1", "h2", "s3"))
    own = [link for link, ends in enumerate(held.topology.ends.tolist()) if h2 in ends][0]  # noqa: RUF015
    with held.session() as session:
        with held.access.nodes.spawn(h1, ["sleep", "1000"]) as sleeper:
            session.remove_node(h1)
            assert sleeper.wait(5) == -signal.SIGKILL
        session.remove_link(own)
        session.remove_node(s3)
        assert held.health().nodes == len(names) - 2
        assert session.restore() == ["h1", "s3", "s2 -- h2"]
        assert session.restore() == []
    found = check_reachability(held)
    assert (found.reachable, found.unexpected) == (12, [])
    cli("down", "m", code=0)


@needs_ovs
def test_what_could_not_be_made_whole_is_made_by_the_next_try(
    tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.yaml").write_text(RING + "switch: ovs\nopenflow: {datapath: userspace}\n")
    cli("up", "m.yaml", code=0)
    held = network()
    h2 = held.topology.names.index("h2")
    link = next(link for link, ends in enumerate(held.topology.ends.tolist()) if h2 in ends)
    asked: list[Iterable[str]] = []

    def breaks(interfaces: Iterable[str]) -> None:
        asked.append(interfaces)
        raise BrokenError("the namespace has gone")

    with held.session() as session:
        for take, give in ((session.remove_link, session.add_link), (session.remove_node, session.add_node)):
            thing = link if give == session.add_link else h2
            take(thing)
            with monkeypatch.context() as patch:
                patch.setattr(local, "compute_checksums", breaks)
                for _ in range(2):
                    with pytest.raises(BrokenError, match="the namespace has gone"):
                        give(thing)
            give(thing)
        assert session.restore() == []
    # Only of what was made: sessions beside this one take other hosts away meanwhile.
    assert asked == [{"h2-eth0"}] * 4
    found = check_reachability(held)
    assert (found.reachable, found.unexpected) == (12, [])
    cli("down", "m", code=0)


def test_what_a_killed_run_took_is_repaired(ring: str, cli: CommandLine) -> None:
    held = network()
    names = list(held.topology.names)
    session = held.session()
    session.__enter__()
    session.remove_node(names.index("s2"))
    session.remove_node(names.index("h1"))
    session.set_port(names.index("h3"), 0, up=False)
    found = network().repair()
    assert {"node s2 is missing", "node h1 is missing", "port h3-eth0 is down"} <= set(found)
    assert network().repair() == []
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)


def test_a_changed_file(ring: str, cli: CommandLine, tmp_path: Path) -> None:
    base = ring.replace("{generator: ring, k: 4, hosts_per_switch: 1}", "%s")
    first = "{nodes: {h1: {}, h2: {}, s1: {kind: switch}}, links: [[h1, s1], [h2, s1]]}"
    cli("down", "m", code=0)
    (tmp_path / "m.yaml").write_text(base % first)
    cli("up", "m.yaml", code=0)
    inode = cli("exec", "h1", "--", "readlink", "/proc/self/ns/net", code=0).stdout
    assert cli.json("up", "m.yaml")["changes"] == []
    second = first.replace("s1: {kind: switch}}", "s1: {kind: switch}, h3: {}}").replace(
        "]]}", "], [h3, s1]]}"
    )
    (tmp_path / "m.yaml").write_text(base % second)
    assert cli.json("up", "m.yaml")["changes"][:2] == ["added 1 node: h3", "added 1 link"]
    assert cli("exec", "h1", "--", "readlink", "/proc/self/ns/net", code=0).stdout == inode
    assert cli.json("check", "m")["reachable"] == 6
    (tmp_path / "m.yaml").write_text(base % first)
    assert cli.json("up", "m.yaml")["changes"][:2] == ["removed 1 node: h3", "removed 1 link"]
    assert cli.json("check", "m")["reachable"] == 2
    cli("down", "m", code=0)


@pytest.mark.parametrize("step", ["links", "configure", "start", "move"])
def test_a_changed_file_that_fails_half_way_is_taken_back(
    step: str, ring: str, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inode = cli("exec", "h2", "--", "readlink", "/proc/self/ns/net", code=0).stdout
    (tmp_path / "m.yaml").write_text(
        ring.replace("{generator: ring, k: 4, hosts_per_switch: 1}", "{generator: linear, k: 5}")
    )
    asked = Driver.ask
    failed = []

    def ask(driver: Driver, *steps: tuple[str, Any], **options: Any) -> list[Any]:
        given = asked(driver, *steps, **options)
        if not failed and step in dict(steps):
            failed.append(step)
            raise BrokenError("no more")
        return given

    with monkeypatch.context() as patched:
        patched.setattr(Driver, "ask", ask)
        with pytest.raises(BrokenError, match="no more"):
            MininetEngine().deploy(make_plan(build(load(tmp_path / "m.yaml")), "mininet"))
    assert failed
    assert network().health().running
    assert network().repair() == []
    assert cli.json("check", "m")["reachable"] == 12
    assert cli("exec", "h2", "--", "readlink", "/proc/self/ns/net", code=0).stdout == inode
    assert cli.json("up", "m.yaml")["changes"]
    assert cli.json("check", "m")["reachable"] == 20
    cli("down", "m", code=0)


def test_two_networks_side_by_side(ring: str, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(ring.replace("name: m", "name: other"))
    cli("up", "other.yaml", code=0)
    assert cli.json("check", "other")["unexpected"] == []
    cli("down", "other", code=0)
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)


def test_a_killed_driver_is_said_and_leaves_nothing(ring: str, cli: CommandLine, state_dir: Path) -> None:
    os.kill(driver_pid(state_dir), signal.SIGKILL)
    time.sleep(0.2)
    assert cli("exec", "h1", "--", "true").returncode == 0
    status = cli("status", "m")
    assert "`emulator down m`" in status.stderr + status.stdout
    done = cli("link", "s1", "s2", "down")
    assert done.returncode == 1
    assert "`emulator down m`" in done.stderr
    assert "`emulator down m`" in cli("link", "s1", "s2", "up", code=1).stderr  # it is up, and nothing works
    shown = cli("link", "s1", "s2", "show", code=0)
    assert "s1 -- s2: up" in shown.stdout + shown.stderr
    cli("down", "m", code=0)
    assert_nothing_left(state_dir)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bridge", pytest.param("ovs", marks=needs_ovs)])
def test_up_and_down_killed_at_random_moments(
    kind: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "m.yaml").write_text(
        f"name: m\nengine: mininet\nswitch: {kind}\ntopology: {{generator: tree, depth: 2, fanout: 4}}\n"
    )

    def kill_within(seconds: float, *words: str) -> None:
        argv = [sys.executable, "-m", "emulator", *words]
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(argv, cwd=tmp_path, stdout=nowhere, stderr=nowhere) as process:
            try:
                process.wait(random.uniform(0.2, seconds))
            except subprocess.TimeoutExpired:
                process.kill()

    begin = time.monotonic()
    cli("up", "m.yaml", code=0)
    took = time.monotonic() - begin
    cli("down", "m", code=0)
    for number in range(6):
        kill_within(took, "up", "m.yaml")
        if number % 2:
            kill_within(0.6, "down", "m")
        cli("down", "m", code=0)
        cli("down", "m", code=0)
        assert_nothing_left(state_dir)
    cli("up", "m.yaml", code=0)
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)


@needs_ovs
def test_tcp_through_a_user_space_datapath(tmp_path: Path, cli: CommandLine) -> None:
    text = RING + "switch: ovs\nopenflow: {datapath: userspace}\n"
    (tmp_path / "m.yaml").write_text(text)
    cli("up", "m.yaml", code=0)
    held = network()
    words = [sys.executable, throughput.__file__]
    receiver = held.access.nodes.spawn(4, [*words, "receive", "tcp", "1"])
    sent = held.access.execute([6], [*words, "send", "tcp", held.addresses(4)[0], "2"], timeout=60)[0]
    output, errors = receiver.communicate(timeout=30)
    assert (receiver.returncode, sent.code) == (0, 0), errors
    assert float(output) > 1e6
    cli("down", "m", code=0)


@needs_ovs
@pytest.mark.parametrize("openflow", ["{controller: learning}", "{flows: tree}", "{flows: ecmp}"])
def test_controllers_and_flows(openflow: str, tmp_path: Path, cli: CommandLine) -> None:
    text = RING.replace("{generator: ring, k: 4, hosts_per_switch: 1}", "{generator: fat-tree, k: 4}")
    (tmp_path / "m.yaml").write_text(text + f"switch: ovs\nopenflow: {openflow}\n")
    cli("up", "m.yaml", code=0)
    assert cli.json("check", "m")["unexpected"] == []
    cli("link", "e1", "a1", "down", code=0)
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)


def test_who_brings_up_network_after_network_keeps_no_zombies() -> None:
    def zombies() -> set[int]:
        children = psutil.Process().children()
        return {each.pid for each in children if each.status() == psutil.STATUS_ZOMBIE}

    plan = make_plan(build(load_text(RING)), "mininet")
    before = zombies()
    for _ in range(3):
        MininetEngine().deploy(plan).down()
    assert len(zombies() - before) <= 1, "the last one is waited for when the next one starts"


def test_what_mininet_cannot_is_refused_beforehand(tmp_path: Path, cli: CommandLine, state_dir: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "name: m\nengine: mininet\n"
        "topology: {nodes: {h1: {}, h2: {}, s1: {kind: switch}, s1-eth1: {kind: switch}}, "
        "links: [[h1, s1], [h2, s1], [s1, s1-eth1]]}\n"
        "links: [{match: {between: [h1, s1]}, bandwidth: 2 Gbit}, "
        "{match: {between: [h2, s1]}, corrupt: 1%}]\n"
    )
    done = cli("up", "m.yaml")
    assert done.returncode == 3
    for words in (
        "h1 -- s1: bandwidth 2 Gbit",
        "h2 -- s1: corrupt",
        "s1-eth1: a port of the switch s1 has that name",
    ):
        assert words in done.stderr
    assert not state_dir.exists()


def test_the_exported_script_runs_with_mininet_alone(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "m.yaml").write_text("name: m\ntopology: {generator: linear, k: 3}\n")
    cli("export", "m.yaml", "--to", "mininet", "-o", str(tmp_path / "m.py"), code=0)
    words = ["unshare", "-nm", "--propagation", "private", "sh", "-c",
             'ip link set lo up && mount -t tmpfs none /tmp && cd "$1" && exec /usr/bin/python3 m.py', "sh",
             str(tmp_path)]  # fmt: skip
    if str(tmp_path).startswith("/tmp"):  # noqa: S108 -- where pytest's folder is decides what can be hidden
        words[6] = words[6].replace("mount -t tmpfs none /tmp && ", "")
    done = subprocess.run(
        words, input="pingall\nexit\n", capture_output=True, text=True, timeout=120, check=False
    )
    assert "0% dropped (6/6 received)" in done.stdout + done.stderr, done.stdout + done.stderr


def test_ports_that_a_killed_change_left_in_or_out_of_their_switch_are_put_right(
    tmp_path: Path, cli: CommandLine
) -> None:
    (tmp_path / "m.yaml").write_text(RING)
    cli("up", "m.yaml", code=0)
    held = network()
    plan = make_plan(held.topology, "mininet")
    blocked = document(plan, bridges_of(plan)).out
    switch = next(name for name, ports in blocked.items() if ports)
    (out,) = blocked[switch]
    node = [list(held.topology.names).index(switch)]
    held.access.execute(node, ["ip", "link", "set", f"{switch}-eth1", "nomaster"])
    held.access.execute(node, ["ip", "link", "set", out, "master", switch])
    assert network().repair() == [
        f"{switch}: interface {switch}-eth1: expected a port of {switch}, found a port of none",
        f"{switch}: interface {out}: expected a port of no bridge, found a port of {switch}",
    ]
    assert network().repair() == []
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)
