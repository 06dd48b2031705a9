"""Switches of Open vSwitch on the netns engine: they forward, change, and go without a trace."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.command import CommandLine

from emulator.access import Echo
from emulator.engines.netns.engine import NetnsEngine
from emulator.engines.netns.network import NetnsNetwork
from emulator.engines.registry import attach
from emulator.errors import BrokenError
from emulator.network import LinkState, Network
from emulator.plan import make_plan
from topologies.build import build
from topologies.identifiers import dpid
from topologies.spec.load import load

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (shutil.which("ovs-vswitchd") or Path("/usr/sbin/ovs-vswitchd").exists()),
        reason="Open vSwitch isn't installed: apt install openvswitch-switch",
    ),
]
needs_controller = pytest.mark.skipif(
    not (shutil.which("ovs-testcontroller") or Path("/usr/bin/ovs-testcontroller").exists()),
    reason="apt install openvswitch-testcontroller",
)

USERSPACE = "switch: ovs\nopenflow: {datapath: userspace}\n"
RING = "name: o\n" + USERSPACE + "topology: {generator: ring, k: 5}\n"
TREE = "name: o\n" + USERSPACE + "topology: {generator: tree, depth: 2, fanout: 3}\n"


def start(tmp_path: Path, cli: CommandLine, text: str) -> None:
    (tmp_path / "net.yaml").write_text(text)
    cli("up", "net.yaml", code=0)


def checked(cli: CommandLine) -> int:
    """Return how many pairs are reachable in a network that is as its graph says."""
    found = cli.json("check")
    assert found["unexpected"] == []
    reachable: int = found["reachable"]
    return reachable


def daemon(state: Path, name: str = "o", program: str = "ovs-vswitchd") -> int:
    return int((state / name / "ovs" / f"{program}.pid").read_text())


def reaches(network: Network, a: str, b: str, timeout: float = 1.0) -> bool:
    names = network.topology.names
    address = network.addresses(names.index(b))[0]
    return network.access.ping([Echo(names.index(a), address)], timeout)[0] is not None


def soon(network: Network, a: str, b: str) -> float:
    """Return after how many seconds `a` reaches `b`."""
    begin = time.monotonic()
    while not reaches(network, a, b, 0.2):
        assert time.monotonic() - begin < 5
    return time.monotonic() - begin


def test_it_forwards_and_goes_without_a_trace(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, TREE)
    pids = [daemon(state_dir, program=program) for program in ("ovs-vswitchd", "ovsdb-server")]
    assert checked(cli) == 72
    assert "port  VLAN" in cli("exec", "s1", "--", "ovs-appctl", "fdb/show", "s1", code=0).stdout
    shown = cli("exec", "s1", "--", "ovs-vsctl", "list-ports", "s1", code=0).stdout.split()
    assert shown == ["s1-eth1", "s1-eth2", "s1-eth3"]
    numbers = cli("exec", "s2", "--", "ovs-vsctl", "get", "Interface", "s2-eth3", "ofport", code=0)
    assert numbers.stdout.strip() == "3"
    wanted = dpid(attach("o").topology, attach("o").topology.names.index("s2"))
    found = cli("exec", "s2", "--", "ovs-vsctl", "get", "Bridge", "s2", "datapath_id", code=0).stdout
    assert found.strip() == f'"{wanted}"'
    cli("down", "o", code=0)
    cli("down", "o", code=0)
    assert not state_dir.exists()
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def test_a_hundred_megabytes_of_tcp_arrive(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, TREE)
    network = attach("o")
    names = network.topology.names
    h1, h9 = names.index("h1"), names.index("h9")
    listener = network.access.nodes.open_socket(h9, socket.AF_INET, socket.SOCK_STREAM)
    sender = network.access.nodes.open_socket(h1, socket.AF_INET, socket.SOCK_STREAM)
    block = random.Random(1).randbytes(1 << 20)
    with listener, sender:
        listener.bind(("", 7000))
        listener.listen()
        sender.settimeout(20)
        sender.connect((network.addresses(h9)[0], 7000))
        receiver, _ = listener.accept()
        sent = hashlib.sha256()

        def send() -> None:
            for _ in range(100):
                sender.sendall(block)
                sent.update(block)
            sender.shutdown(socket.SHUT_WR)

        worker = threading.Thread(target=send)
        worker.start()
        got, size = hashlib.sha256(), 0
        with receiver:
            receiver.settimeout(20)
            while data := receiver.recv(1 << 18):
                got.update(data)
                size += len(data)
        worker.join()
    assert size == 100 << 20
    assert got.digest() == sent.digest()
    with network.session() as session:  # a host that comes back is told to compute checksums again
        session.remove_node(h1)
        session.add_node(h1)
    told = cli("exec", "h1", "--", "ethtool", "-k", "h1-eth0", code=0).stdout
    assert "tx-checksumming: off" in told
    cli("down", "o", code=0)


@pytest.mark.parametrize("flows", ["normal", "tree", "ecmp"])
def test_links_are_cut_and_restored(flows: str, tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, RING.replace("userspace}", f"userspace, flows: {flows}}}"))
    assert checked(cli) == 20
    cli("link", "s1", "s2", "down", code=0)
    assert checked(cli) == 20
    cli("link", "s3", "s4", "down", code=0)
    assert checked(cli) == 8
    cli("link", "s1", "s2", "up", code=0)
    cli("link", "s3", "s4", "up", code=0)
    assert checked(cli) == 20
    cli("down", "o", code=0)


@needs_controller
def test_a_learning_controller_goes_around_a_cut_too(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, RING.replace("userspace}", "userspace, controller: learning}"))
    assert checked(cli) == 20
    cli("link", "s1", "s2", "down", code=0)
    assert checked(cli) == 20
    cli("link", "s1", "s2", "up", code=0)
    assert checked(cli) == 20
    network = attach("o")
    assert isinstance(network, NetnsNetwork)
    assert network.switches is not None
    with network.session() as session:
        session.set_controller("c0", up=False)
        assert network.switches.controllers.running() == {"c0": False}
    assert network.switches.controllers.running() == {"c0": True}
    assert network.health().running
    cli("down", "o", code=0)


def test_a_controller_that_is_away_is_a_warning(
    tmp_path: Path, state_dir: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.ovs.controllers.CONNECTED_WITHIN", 1.0)
    (tmp_path / "net.yaml").write_text(
        RING.replace("userspace}", "userspace, controller: {remote: 127.0.0.1:1}}")
    )
    phases: list[tuple[str, int, int]] = []
    plan = make_plan(build(load(tmp_path / "net.yaml")), "netns")
    network = NetnsEngine().deploy(plan, progress=lambda *words: phases.append(words))
    waiting = "waiting for controller c0 (remote 127.0.0.1:1) (Connection refused), switches connected:"
    assert (waiting, 0, 5) in phases
    [note] = [note for note in network.notes if "5 of 5 switches aren't connected" in note]
    assert "controller c0 (remote 127.0.0.1:1): Connection refused" in note
    ports = network.access.execute([0], ["ovs-vsctl", "list-ports", "s1"])[0].output.split()
    assert len(ports) == 3  # all links: a controller of the user's may want them
    away = (
        "controller c0 (remote 127.0.0.1:1): doesn't answer (Connection refused): "
        "5 of 5 switches aren't connected to it: s1, s2, s3, s4, s5"
    )
    assert away in cli("status", code=0).stdout
    assert cli.json("status")["networks"][0]["notes"] == [away]
    relay = json.loads((state_dir / "o" / "controllers" / "c0.pid").read_text())["pid"]
    os.kill(relay, signal.SIGKILL)
    ended = "the relay to controller c0 (remote 127.0.0.1:1) has ended; `emulator up FILE` starts it again"
    assert ended in cli("status", code=1).stdout
    switch = daemon(state_dir)
    monkeypatch.setattr("emulator.ovs.controllers.CONNECTED_WITHIN", 600.0)  # nobody waits for who is away
    again = NetnsEngine().deploy(plan, str(tmp_path / "net.yaml"))
    assert again.changes == ("started controller c0 (remote 127.0.0.1:1) again",)
    assert any("Connection refused" in note for note in again.notes)
    assert daemon(state_dir) == switch  # the network goes on, only what had ended was started
    assert away in cli("status", code=0).stdout
    cli("down", "o", code=0)


@needs_controller
def test_up_starts_an_ended_controller_and_nothing_else(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    script = "import os\nos.execvp('ovs-testcontroller', ['c', '--unixctl=none', 'ptcp:6653:127.0.0.1'])\n"
    own = "import pathlib, sys\nif pathlib.Path('broken').exists():\n    sys.exit('no more')\n" + script
    (tmp_path / "own.py").write_text(own)
    with_own = "userspace, controller: {command: [python3, own.py]}, protocols: [OpenFlow10]}"
    start(tmp_path, cli, TREE.replace("userspace}", with_own))
    switch = daemon(state_dir)

    def end() -> None:
        controller = json.loads((state_dir / "o" / "controllers" / "c0.pid").read_text())["pid"]
        os.kill(controller, signal.SIGKILL)

    end()
    network = attach("o")
    asking = network.access.nodes.spawn(
        network.topology.names.index("h1"), ["ping", "-i0.2", "-w9", "10.0.0.9"]
    )
    time.sleep(2)  # what is dropped meanwhile is dropped as long as somebody sends it
    assert "has ended" in cli("link", "s1", "s2", "up", code=1).stderr  # it is up, and carries nothing new
    assert cli.json("up", "net.yaml")["changes"] == ["started controller c0 (command python3 own.py) again"]
    assert reaches(network, "h1", "h9", 3.0)
    assert checked(cli) == 72  # `up` waited until the switches were connected to it
    asking.kill()
    asking.communicate()
    (tmp_path / "broken").touch()
    end()
    assert "no more" in cli("up", "net.yaml", code=4).stderr
    assert daemon(state_dir) == switch  # what didn't start takes nothing with it
    (tmp_path / "broken").unlink()
    (tmp_path / "net.yaml").write_text((tmp_path / "net.yaml").read_text().replace("depth: 2", "depth: 1"))
    changes = cli.json("up", "net.yaml")["changes"]
    assert changes[0] == "started controller c0 (command python3 own.py) again"
    assert any("removed" in line for line in changes)
    assert checked(cli) == 6
    assert daemon(state_dir) == switch
    cli("down", "o", code=0)


def test_a_controller_that_says_nothing_is_an_error_and_nothing_is_left(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.ovs.controllers.CONNECTED_WITHIN", 1.0)
    (tmp_path / "mute.py").write_text(
        "import socket, time\ns = socket.create_server(('127.0.0.1', 6653))\ntime.sleep(600)\n"
    )
    (tmp_path / "net.yaml").write_text(
        RING.replace("userspace}", "userspace, controller: {command: [python3, mute.py]}}")
    )
    plan = make_plan(build(load(tmp_path / "net.yaml")), "netns")
    with pytest.raises(BrokenError, match=r"5 of 5 switches .*command python3 mute\.py"):
        NetnsEngine().deploy(plan, str(tmp_path / "net.yaml"))
    assert not state_dir.exists()
    assert not _daemons_of(state_dir)


def test_sessions_take_and_give_ports_links_and_nodes(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, TREE.replace("userspace}", "userspace, flows: tree}"))
    network = attach("o")
    topology = network.topology
    s1, s2, h1 = (topology.names.index(name) for name in ("s1", "s2", "h1"))
    between = topology.ends.tolist().index([s1, s2])
    assert reaches(network, "h1", "h9")
    with network.session() as session:
        session.set_port(s1, 1, up=False)
        assert not reaches(network, "h1", "h9", 0.2)
        session.set_port(s1, 1, up=True)
        soon(network, "h1", "h9")
        session.remove_link(between)
        assert not reaches(network, "h1", "h9", 0.2)
        session.add_link(between)
        assert soon(network, "h1", "h9") < 2
        session.remove_node(h1)
        assert not reaches(network, "h2", "h1", 0.2)
        session.add_node(h1)
        assert soon(network, "h1", "h9") < 2
        session.remove_node(s2)
        assert not reaches(network, "h1", "h2", 0.2)
        assert reaches(network, "h4", "h9")
        session.add_node(s2)
        assert soon(network, "h1", "h9") < 2
        session.remove_node(s1)
        session.remove_node(s2)
    soon(network, "h1", "h9")
    assert network.repair() == []
    cli("down", "o", code=0)


@pytest.mark.parametrize("flows", ["normal", "tree", "ecmp"])
def test_a_session_goes_by_the_links_as_they_are_when_it_gives_back(
    flows: str, tmp_path: Path, cli: CommandLine
) -> None:
    start(tmp_path, cli, RING.replace("userspace}", f"userspace, flows: {flows}}}"))
    network = attach("o")
    names, ends = network.topology.names, network.topology.ends.tolist()
    between = {(names[a], names[b]): number for number, (a, b) in enumerate(ends) if names[b][0] == "s"}
    with network.session() as session:
        for cut in between.values():
            network.set_link(cut, LinkState(up=False))
            for other in between.values():
                if other != cut:  # a ring that is cut needs every other link, also the one that was blocked
                    session.remove_link(other)
                    session.add_link(other)
            s3 = names.index("s3")
            session.remove_node(s3)
            session.add_node(s3)
            assert all(soon(network, "h1", f"h{number}") < 2 for number in range(2, 6)), cut
            network.set_link(cut, LinkState())
    assert checked(cli) == 20
    cli("down", "o", code=0)


def test_repair_gives_back_what_a_killed_session_and_a_killed_daemon_left(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    start(tmp_path, cli, RING)
    code = (
        "import os, signal\nfrom emulator.engines.registry import attach\nn = attach('o')\n"
        "at = n.topology.names.index\ns = n.session()\ns.__enter__()\n"
        "s.remove_node(at('s1')); s.remove_node(at('h3'))\n"
        "s.remove_link(n.topology.incident(at('s4'))[1].link)\n"
        "s.set_port(at('s2'), 1, up=False)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == -signal.SIGKILL
    )
    network = attach("o")
    found = network.repair()
    assert "node s1 is missing" in found
    assert "the bridge of s1 is missing" in found
    assert checked(cli) == 20
    assert network.repair() == []
    os.kill(daemon(state_dir), signal.SIGKILL)
    time.sleep(0.2)
    health = network.health()
    assert not health.running
    assert "ovs-vswitchd" in health.problems[0]
    assert "Open vSwitch has ended" in network.repair()
    assert network.health().running
    assert checked(cli) == 20
    cli("down", "o", code=0)


_WITHOUT_TUN = """
import sys
from emulator.cli.main import run
from emulator.ovs import refusals

if sys.argv[1:]:  # as where the device is there, and no datapath can be made all the same
    refusals.has_tun = lambda: True
sys.exit(run(["up", "net.yaml"]))
"""


@pytest.mark.parametrize(
    ("unforeseen", "code", "words"),
    [
        ([], 3, "s1, s2, s3, s4: switches made as ovs in userspace need /dev/net/tun"),
        (
            ["x"],
            4,
            'ports (s1, s1-eth1, s1-eth2, s1-eth3, s2, s2-eth1, s2-eth2, s2-eth3, …): opening "/dev/net/tun"',
        ),
    ],
    ids=["refused", "found out"],
)
def test_switches_that_open_vswitch_cannot_make_are_not_said_to_be_up(
    unforeseen: list[str], code: int, words: str, state_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.yaml").write_text(TREE)
    hidden = 'mount -t tmpfs none /dev/net && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private",  # a container
         "sh", "-c", hidden, "sh",
         sys.executable, "-c", _WITHOUT_TUN, *unforeseen],
        cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert not state_dir.exists()


@pytest.mark.parametrize("engine", ["netns", "mininet"])
@pytest.mark.parametrize("program", ["ovs-vswitchd", "ovsdb-server"])
def test_a_link_of_switches_whose_daemon_has_ended_is_refused_at_once(
    tmp_path: Path, state_dir: Path, cli: CommandLine, program: str, engine: str
) -> None:
    start(tmp_path, cli, f"{RING}engine: {engine}\n")
    os.kill(daemon(state_dir, program=program), signal.SIGKILL)
    time.sleep(0.2)
    begun = time.monotonic()
    said = cli("link", "s1", "s2", "down", code=1)
    assert time.monotonic() - begun < 10
    assert "Open vSwitch" in said.stderr
    assert "Open vSwitch" in cli("link", "s1", "s2", "up", code=1).stderr  # it is up, and nothing works
    shown = cli("link", "s1", "s2", "show", code=0)
    assert "s1 -- s2: up" in shown.stdout + shown.stderr
    cli("down", "o", code=0)


@pytest.mark.parametrize("engine", ["netns", "mininet"])
def test_a_change_whose_daemon_ends_meanwhile_says_so_at_once(
    engine: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    start(tmp_path, cli, f"{RING}engine: {engine}\n")
    os.kill(daemon(state_dir), signal.SIGSTOP)
    record, switch = state_dir / "o" / "record.json", daemon(state_dir)
    killed: list[float] = []

    def kill_once_it_began() -> None:
        while "links_before" not in record.read_text(encoding="utf-8"):
            time.sleep(0.02)
        time.sleep(0.5)
        killed.append(time.monotonic())
        os.kill(switch, signal.SIGKILL)

    killing = threading.Thread(target=kill_once_it_began)
    killing.start()
    said = cli("link", "s1", "s2", "down", code=4)
    assert 0 < time.monotonic() - killed[0] < 10
    assert "ovs-vswitchd of Open vSwitch has ended" in said.stderr
    assert "`emulator up FILE`" in said.stderr
    killing.join()
    cli("down", "o", code=0)


def test_a_changed_file_changes_the_switches_that_run(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    start(tmp_path, cli, RING)
    before = daemon(state_dir)
    start(tmp_path, cli, RING.replace("k: 5", "k: 7").replace("userspace}", "userspace, flows: ecmp}"))
    assert checked(cli) == 42
    assert daemon(state_dir) == before
    mixed = (
        "name: o\ntopology: {generator: ring, k: 7}\n"
        "nodes: [{match: {name: s3}, switch: ovs}, {match: {name: s4}, switch: ovs}]\n"
        "openflow: {datapath: userspace}\n"
    )
    start(tmp_path, cli, mixed)
    assert checked(cli) == 42
    cli("link", "s7", "s1", "down", code=0)
    assert checked(cli) == 42
    start(tmp_path, cli, "name: o\ntopology: {generator: ring, k: 7}\n")
    assert checked(cli) == 42
    assert not Path(f"/proc/{before}/exe").exists()
    start(tmp_path, cli, RING)
    assert checked(cli) == 20
    assert cli("up", "net.yaml", code=0).stdout.count("nothing differs") == 1
    cli("down", "o", code=0)


def test_routers_and_shaped_links_beside_open_vswitch(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, "name: o\n" + USERSPACE + """\
topology:
  nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}, r1: {kind: router}}
  links: [[h1, s1, {bandwidth: 20 Mbit}], [s1, r1], [r1, s2], [s2, h2]]
""")  # fmt: skip
    assert checked(cli) == 2
    queues = cli("exec", "s1", "--", "tc", "qdisc", "show", "dev", "s1-eth1", code=0).stdout
    assert "tbf" in queues
    assert "rate 20Mbit" in queues
    cli("link", "s1", "h1", "set", "--bandwidth", "5Mbit", code=0)
    assert checked(cli) == 2
    cli("down", "o", code=0)


def test_two_networks_with_the_same_names_side_by_side(tmp_path: Path, cli: CommandLine) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(TREE.replace("name: o", f"name: {name}"))
        cli("up", f"{name}.yaml", code=0)
    for name in ("one", "two"):
        assert cli.json("check", name)["unexpected"] == []
    cli("down", "one", code=0)
    assert cli.json("check", "two")["reachable"] == 72
    cli("down", "two", code=0)


@pytest.mark.parametrize("seed", range(3))
def test_up_killed_at_random_moments_leaves_nothing(
    seed: int, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "net.yaml").write_text(TREE.replace("depth: 2, fanout: 3", "depth: 3, fanout: 4"))
    moments = random.Random(seed)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "up", "net.yaml"], cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(0.25, 0.9))
        process.kill()
        process.wait()
        cli("down", "o", code=0)
        assert not state_dir.exists()
        assert not _daemons_of(state_dir)


def _daemons_of(state: Path) -> list[str]:
    """Return the command lines of processes that mention `state`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{state}/" in words:
                found.append(words)
    return found


def test_what_cannot_be_is_refused_beforehand(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    (tmp_path / "user.yaml").write_text("name: o\nswitch: user\ntopology: {generator: single, hosts: 2}\n")
    assert "switch: user" in cli("up", "user.yaml", code=3).stderr
    if not Path("/sys/module/openvswitch").exists():
        (tmp_path / "kernel.yaml").write_text(RING.replace("userspace", "kernel"))
        assert "datapath: userspace" in cli("up", "kernel.yaml", code=3).stderr
    assert not state_dir.exists()
