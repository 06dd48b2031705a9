"""The engine `cluster` over two machines that are namespaces: real tunnels, a carrier of JSON and bytes."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from support.kernel_snapshot import difference_within, settled
from support.namespace_cluster import SCHEDULER, NamespaceCarrier, assert_empty, machines_of_test
from support.overlay import NEEDS_BPF

from emulator.access import CaptureRequest
from emulator.checks.reachability import check_reachability
from emulator.engines.cluster import connection
from emulator.engines.cluster.network import ClusterNetwork
from emulator.engines.cluster.processes import RemoteProcess
from emulator.engines.cluster.shares import new_number, shipment
from emulator.engines.planning import planned
from emulator.engines.registry import attach, engine_named
from emulator.errors import BrokenError, EmulationError, LostWorkerError, RefusedError, UsageError
from emulator.locks import locked
from emulator.network import LinkState, Network, silent
from emulator.plan import Plan
from emulator.process_tags import command_of, with_variable
from emulator.state import names
from emulator.stress_lock import JOURNAL
from stress.metrics.figures import Figures
from stress.records import RunResult
from stress.report.page import finite
from stress.report.schema import schema
from stress.report.summary import summary
from stress.report.text_summary import summary_lines
from stress.runner import run
from stress.scenario.load import load_text as load_scenario
from stress.schedule import planned as planned_steps
from topologies.build import build
from topologies.elements import Kind
from topologies.profiles import Shape
from topologies.spec.load import load_text

pytestmark = [pytest.mark.privileged]

BRIDGED = "name: far\ntopology: {generator: tree, depth: 2, fanout: 3}\n"
ROUTED = """\
name: far
forwarding: routed
topology: {generator: leaf-spine, spines: 2, leaves: 4, hosts_per_leaf: 2}
"""


@pytest.fixture(scope="module")
def machines() -> Iterator[NamespaceCarrier]:
    with machines_of_test(2) as carrier:
        yield carrier


@pytest.fixture
def carrier(
    machines: NamespaceCarrier, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NamespaceCarrier]:
    monkeypatch.setenv("EMULATOR_CLUSTER_SCHEDULER", SCHEDULER)
    monkeypatch.setitem(connection._open, (SCHEDULER, ""), machines)
    yield machines
    for machine in machines.machines.values():
        if machine.worker is None or not machine.worker.alive:
            machine.start()
    if "far" in names():
        engine_named("cluster").take_down("far")
    for machine in machines.machines.values():
        assert_empty(machine)


def plan_of(text: str) -> Plan:
    document = load_text(text)
    return planned(document, build(document), engine_named("cluster"))


def up(text: str) -> Network:
    plan, engine = plan_of(text), engine_named("cluster")
    engine.accept(plan)
    return engine.deploy(plan)


def node(network: Network, name: str) -> int:
    return network.topology.names.index(name)


def tunnel(network: Network) -> int:
    return int(np.flatnonzero(plan(network).cut)[0])


def plan(network: Network) -> Plan:
    assert isinstance(network, ClusterNetwork)
    return network.plan


TENANTS = "name: far\nforwarding: routed\ntopology: {generator: vpc, vpcs: 1, ports: 4, hosts: 4}\n"


@pytest.mark.parametrize("text", [BRIDGED, ROUTED], ids=["bridged", "routed"])
def test_it_runs_as_the_file_says_and_is_gone_after_down(carrier: NamespaceCarrier, text: str) -> None:
    network = up(text)
    counts = plan(network).counts
    assert counts.nodes.min() > 0
    assert counts.tunnels.min() > 0
    again = attach("far")
    health = again.health()
    assert health.running, health.problems
    assert health.nodes == network.topology.node_count
    workers: Any = health.details["workers"]
    assert [workers[name]["nodes"] for name in ("w1", "w2")] == counts.nodes.tolist()
    found = check_reachability(again)
    hosts = len(network.topology.hosts)
    assert found.is_right, found.unexpected
    assert found.pairs == hosts * (hosts - 1)
    assert again.deviations() == []
    assert again.repair() == []
    assert_tunnels(network)
    again.down()
    assert names() == []


def assert_tunnels(network: Network) -> None:
    """Each tunnel has one VXLAN device at each end: same VNI, each other's address, MTU that fits."""
    for link in np.flatnonzero(plan(network).cut).tolist():
        ends = network.topology.ends[link].tolist()
        devices = []
        for end in ends:
            (result,) = network.access.execute([end], ["ip", "-j", "-d", "link"])
            devices += [
                (one["linkinfo"]["info_data"], one["mtu"])
                for one in json.loads(result.output)
                if one.get("linkinfo", {}).get("info_kind") == "vxlan"
            ]
        pairs = {(data["id"], data["local"], data["remote"]) for data, _ in devices}
        both = [(i, a, b) for i, a, b in pairs if (i, b, a) in pairs]
        assert {mtu for _, mtu in devices} == {1450}
        assert both


def test_commands_run_at_once_on_all_workers_with_their_exit_codes(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    hosts = network.topology.hosts.tolist()
    results = network.access.execute(hosts, ["sh", "-c", "hostname -I 2>/dev/null; ip -br address; exit 3"])
    assert [result.node for result in results] == [network.topology.names[host] for host in hosts]
    assert {result.code for result in results} == {3}
    for host, result in zip(hosts, results, strict=True):
        assert network.addresses(host)[0].encode() in result.output
    slow = network.access.execute(hosts[:1], ["sleep", "60"], timeout=0.3)
    assert slow[0].code == 124


def test_a_link_between_workers_is_cut_shaped_and_restored(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    link = tunnel(network)
    network.set_link(link, LinkState(up=False))
    cut = check_reachability(attach("far"))
    assert cut.is_right, cut.unexpected
    assert cut.expected < cut.pairs
    network.set_link(link, LinkState(forward=Shape(bandwidth=2_000_000), backward=Shape(bandwidth=2_000_000)))
    for end in network.topology.ends[link].tolist():
        (found,) = network.access.execute([end], ["tc", "-j", "qdisc"])
        assert [one["options"]["rate"] for one in json.loads(found.output) if one["kind"] == "tbf"] == [
            250_000
        ]
    assert attach("far").deviations() == []
    network.set_link(link, LinkState())
    whole = check_reachability(attach("far"))
    assert whole.is_right
    assert whole.expected == whole.pairs


def test_a_process_in_a_node_has_a_terminal_with_size_and_keys(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    assert isinstance(network, ClusterNetwork)
    host = int(network.topology.hosts[-1])
    worker = network.access.worker_of(host)
    words = ["sh", "-c", "stty size; tty; read line; echo got $line; sleep 60"]
    arguments = {"node": host, "argv": words, "size": [33, 77], "timeout": None}
    process = RemoteProcess(network.workers, worker, "emulator.agent.processes:start", arguments)
    process.write(b"hello\n")
    assert "got hello" in (shown := read_until(process, "got hello"))
    assert "33 77" in shown
    assert "/dev/pts/" in shown
    process.write(b"\x03")  # Ctrl-C
    assert ended(process) == 130


def test_a_terminal_shows_all_that_a_quick_command_writes(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    assert isinstance(network, ClusterNetwork)
    host = int(network.topology.hosts[0])
    worker = network.access.worker_of(host)
    for number in range(10):
        arguments = {"node": host, "argv": ["echo", f"word{number}"], "size": [24, 80], "timeout": None}
        process = RemoteProcess(network.workers, worker, "emulator.agent.processes:start", arguments)
        assert read_until(process, f"word{number}") == f"word{number}\r\n"
        assert ended(process) == 0


def read_until(process: RemoteProcess, words: str) -> str:
    out, end = "", time.monotonic() + 20
    while words not in out and time.monotonic() < end:
        out += process.read()[0].decode()
    return out


def ended(process: RemoteProcess) -> int | None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        _, _, code = process.read()
        if code is not None:
            return code
    return None


def test_pipes_carry_input_output_errors_and_the_exit_code(
    carrier: NamespaceCarrier, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    network = up(BRIDGED)
    host = int(network.topology.hosts[0])
    assert network.access.interact(host, ["sh", "-c", "printf 'a\\000b'; echo bad >&2; exit 7"]) == 7
    assert network.access.interact(host, ["sleep", "60"], timeout=0.3) == 124
    out, errors = capfdbinary.readouterr()
    assert out == b"a\0b"
    assert errors == b"bad\n"


def test_packets_are_recorded_where_the_node_is(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    a, b = network.topology.hosts[[0, -1]].tolist()
    assert isinstance(network, ClusterNetwork)
    assert network.access.worker_of(a) != network.access.worker_of(b)
    file = io.BytesIO()
    name = f"{network.topology.names[b]}-eth0"
    process = RemoteProcess(
        network.workers, network.access.worker_of(a), "emulator.agent.processes:start",
        {"node": a, "argv": ["ping", "-i", "0.2", network.addresses(b)[0]], "size": None, "timeout": 30},
    )  # fmt: skip
    result = network.access.capture(b, CaptureRequest(name, count=4), file)
    process.write(signal=int(signal.SIGINT))
    assert result.packets == 4
    assert struct.unpack_from("<I", file.getvalue())[0] == 0xA1B23C4D
    assert network.addresses(b)[0].encode() not in file.getvalue()  # packets, not text
    process.close()


def test_sessions_change_both_workers_and_restore_both(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    link = tunnel(network)
    switch = int(network.topology.ends[link, 1])
    with network.session() as session:
        session.remove_link(link)
        assert len(network.deviations()) >= 2
        session.add_link(link)
        assert network.deviations() == []
        hosts = [node(network, name) for name in ("h1", "h2", "h9")]
        for one in (switch, *hosts):
            session.remove_node(one)
        assert not network.health().running
        carrier.calls.clear()
        assert len(session.restore()) == 4
        changes = [call.worker for call in carrier.calls if call.entry == "emulator.agent.sessions:change"]
        assert sorted(changes) == ["w1", "w2"]  # one each, whatever there is to restore
    assert network.deviations() == []
    assert check_reachability(network).is_right


def test_a_changed_file_changes_what_differs_and_leaves_processes_alone(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    host = node(network, "h9")
    assert isinstance(network, ClusterNetwork)
    worker = network.access.worker_of(host)
    process = RemoteProcess(
        network.workers, worker, "emulator.agent.processes:start",
        {"node": host, "argv": ["sh", "-c", "read line; echo still $line"], "size": None, "timeout": None},
    )  # fmt: skip
    text = BRIDGED + "links: [{match: {between: [host, edge]}, bandwidth: 5 Mbit}]\n"
    changed = up(text)
    assert changed.changes
    assert all(line.startswith(("w1: ", "w2: ")) or "→" in line for line in changed.changes), changed.changes
    nodes = [line.removeprefix("w1: ").removeprefix("w2: ") for line in changed.changes if "→" in line]
    assert len(nodes) == len(set(nodes))  # told by the node's worker, and not by the client again
    assert attach("far").deviations() == []
    process.write(b"here\n", end=True)
    assert "still here" in read_until(process, "still here")
    assert up(text).changes == ()


def test_a_foreign_vni_on_one_worker_rolls_all_back_and_is_named(carrier: NamespaceCarrier) -> None:
    wanted = plan_of(BRIDGED)
    machine = carrier.machines["w2"]
    vni = str(wanted.options["underlay"]["vni"])
    machine.nsenter(
        "ip", "link", "add", "foreign", "type", "vxlan", "id", vni, "local", machine.address,
        "remote", "10.77.0.99", "dstport", "4789", "dev", "eth1",
    )  # fmt: skip
    try:
        with pytest.raises(RefusedError, match=r"w2: foreign has VNI"):
            engine_named("cluster").accept(wanted)
        with pytest.raises(Exception, match=r"w2: ") as caught:
            engine_named("cluster").deploy(wanted)
        assert "w1: " not in str(caught.value)
    finally:
        machine.nsenter("ip", "link", "delete", "foreign")
    assert names() == []


def test_up_right_after_down_finds_its_port_free_though_a_namespace_lived_longer(
    carrier: NamespaceCarrier,
) -> None:
    """A mount namespace keeps the nodes' namespaces for a while, as a socket does that is being closed."""
    network = up(BRIDGED)
    (pin,) = (carrier.machines["w1"].state / ".mounts").glob("far*")
    keeper = subprocess.Popen(
        [
            "nsenter",
            f"--mount={pin}",
            sys.executable,
            "-c",
            "print(flush=True); import time; time.sleep(0.7)",
        ],
        stdout=subprocess.PIPE,
    )
    with keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"\n"
        network.down()
        up(BRIDGED)
    assert attach("far").health().running


def test_a_full_disk_on_one_worker_rolls_all_back_and_is_named(carrier: NamespaceCarrier) -> None:
    """The file system of one worker's state takes the record, and is full before the shares are made."""
    state = carrier.machines["w2"].state
    state.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "full", str(state)], check=True)
    try:
        with pytest.raises(EmulationError, match=r"w2: .*No space left on device") as caught:
            engine_named("cluster").deploy(plan_of(BRIDGED))
        assert "w1: " not in str(caught.value)
        assert "Traceback" not in str(caught.value)
        assert names() == []
        for machine in carrier.machines.values():
            assert_empty(machine)
    finally:
        subprocess.run(["umount", str(state)], check=True)


def test_a_network_of_the_same_name_on_a_worker_is_refused(carrier: NamespaceCarrier, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: far\ntopology: {generator: single, hosts: 2}\n", encoding="utf-8")
    machine = carrier.machines["w2"]
    assert machine.run("up", str(file)).returncode == 0
    try:
        with pytest.raises(UsageError, match="w2: it has a network `far` of its own"):
            up(BRIDGED)
        assert json.loads(machine.run("status", "--json").stdout)["networks"][0]["running"]
    finally:
        machine.run("down", "far")
    assert names() == []


def test_a_worker_that_is_killed_meanwhile_is_named_and_freed_later(carrier: NamespaceCarrier) -> None:
    """The test holds the lock of the share on w2, which so can't be ready before it is killed."""
    wanted, engine, machine = plan_of(BRIDGED), engine_named("cluster"), carrier.machines["w2"]

    def kill(phase: str, done: int, total: int) -> None:
        if machine.worker is not None and machine.worker.alive:
            machine.worker.kill()

    lock = machine.state / ".far.share.lock"
    with locked(lock, wait=True):
        with pytest.raises(BrokenError, match="w2: it can't be reached") as caught:
            engine.deploy(wanted, "", kill)
        lock.unlink(missing_ok=True)
    assert "emulator down far" in str(caught.value)
    health = attach("far").health()
    assert any("w2" in problem for problem in health.problems)
    with pytest.raises(BrokenError, match="w2"):
        engine.take_down("far")
    machine.start()
    engine.take_down("far")
    assert names() == []


def test_up_after_a_lost_worker_returned_makes_it_again(carrier: NamespaceCarrier) -> None:
    network, machine = up(BRIDGED), carrier.machines["w1"]
    assert machine.worker is not None
    machine.worker.kill()
    health = network.health()
    assert [problem for problem in health.problems if problem.startswith("w1: ")]
    with pytest.raises(LostWorkerError):
        network.access.execute(network.topology.hosts.tolist(), ["true"])
    machine.start()
    assert network.health().running  # the kernel held everything
    assert check_reachability(network).is_right


def test_a_share_that_is_gone_is_made_again_and_said(carrier: NamespaceCarrier) -> None:
    network, machine = up(BRIDGED), carrier.machines["w1"]
    state = f"EMULATOR_STATE_DIR={machine.state}"
    machine.nsenter("env", state, sys.executable, "-P", "-m", "emulator", "down", "far")
    assert not network.health().running
    again = up(BRIDGED)
    assert again.changes is not None
    assert [line for line in again.changes if line.startswith("w1: its share was gone")]
    assert not [line for line in again.changes if line.startswith("w2: ")]
    assert again.health().running
    assert check_reachability(again).is_right


def test_links_that_change_together_go_in_one_call_a_worker(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    assert isinstance(network, ClusterNetwork)
    carrier.calls.clear()
    down = {link: LinkState(up=False) for link in (0, 1, tunnel(network))}
    with network._state.locked("link"):
        assert network.change_links(down)
    calls = [call.worker for call in carrier.calls if call.entry == "emulator.agent.state:set_links"]
    assert sorted(calls) == ["w1", "w2"]
    assert attach("far").deviations() == []
    assert {link for link, state in attach("far").link_changes.items() if not state.up} == set(down)


def test_ctrl_c_leaves_nothing(carrier: NamespaceCarrier) -> None:
    def stop(phase: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_named("cluster").deploy(plan_of(BRIDGED), "", stop)
    assert names() == []


VPC = "name: far\ntopology: {generator: vpc, vpcs: 2, subnets: 1, ports: 4, hosts: 4KIND}\n"


@pytest.mark.parametrize("kind", [pytest.param("", marks=NEEDS_BPF), ", device: true"])
def test_a_vpc_spans_workers_and_its_ports_move_between_them(carrier: NamespaceCarrier, kind: str) -> None:
    network = up(VPC.replace("KIND", kind))
    assert isinstance(network, ClusterNetwork)
    assert check_reachability(network).is_right
    port = node(network, "v1s1p1")
    away = [n for n in network.topology.full.hosts.tolist() if on(network, n) != on(network, port)]
    network.migrate(port, away[0])
    moved = attach("far")
    assert on(moved, port) == on(moved, away[0])
    assert moved.describe(port)["host"] == network.topology.names[away[0]]
    assert check_reachability(moved).is_right
    assert moved.health().running
    assert moved.deviations() == []
    with moved.session() as session:
        session.set_ports(np.array([port]), up=False)
        session.move_port(port, away[1])
    assert check_reachability(moved).is_right


@pytest.mark.parametrize("kind", [pytest.param("", marks=NEEDS_BPF), ", device: true"])
def test_workers_without_compute_hosts_take_part_in_changes_of_ports(
    carrier: NamespaceCarrier, kind: str
) -> None:
    pins = "placement:\n  - {match: {kind: host}, worker: w1}\n  - {match: {tier: spine}, worker: w2}\n"
    network = up(VPC.replace("KIND", kind) + pins)
    topology = network.topology
    port, host, spine = (node(network, name) for name in ("v1s1p1", "h2", "spine1"))
    assert {on(network, one) for one in (port, host)} == {"w1"}
    assert on(network, spine) == "w2"
    some = np.array([port, port + 1])
    links = np.array([topology.incident(one)[0].link for one in some.tolist()])
    with network.session() as session:
        session.set_ports(some, up=False)
        session.set_ports(some, up=True)
        session.move_port(port, host)
        session.remove_ports(some)
        session.add_ports(some)
        session.remove_links(links)
        session.add_links(links)
        session.remove_node(spine)
        session.remove_node(port)
        session.remove_link(int(links[1]))
        session.set_port(port + 2, 0, up=False)
    assert attach("far").deviations() == []
    assert check_reachability(attach("far")).is_right
    result = shake(network, PORTS_SHAKEN)
    assert {one.error for one in result.outcomes} == {""}
    assert result.aborted == ""
    (growth,) = result.ramps
    assert ([size["hosts"] for size in growth["sizes"]], growth["last_good"]) == ([3, 4], 4)
    assert result.phases[-1].end < 9  # the step has ended early, on both workers


PORTS_SHAKEN = """\
name: far
steps:
  - parallel:
      - {action: migration, target: 'v1s1*', rate: 20, away: 200 ms, duration: 1 s}
      - {action: port-flap, target: 'v2s1*', rate: 20, down: 100 ms, duration: 1 s}
      - {action: mac-move, target: 'v2s1*', rate: 20, away: 200 ms, duration: 1 s}
      - {action: vpc-churn, target: v1, rate: 2, away: 200 ms, duration: 1 s}
  - {action: vpc-growth, target: v1, ports: 3, interval: 100 ms, duration: 10 s}
"""


def on(network: Network, number: int) -> str:
    """Return the worker of a node."""
    assert isinstance(network, ClusterNetwork)
    return network.access.worker_of(number)


SCENARIO = """\
name: far
warmup: 300 ms
cooldown: 1 s
probes: [{probe: ping, pairs: 6, interval: 500 ms, timeout: 300 ms}]
steps:
  - parallel:
      - {action: port-flap, name: flap, target: {kind: host, count: 2}, rate: 4, down: 200 ms, duration: 2 s}
      - {action: port-churn, name: links, target: {name: "s[34]"}, rate: 2, away: 300 ms, duration: 2 s}
  - {action: node-churn, name: churn, target: {name: "s[12]"}, rate: 1, away: 400 ms, duration: 2 s}
"""


def test_stress_shakes_both_workers_and_leaves_the_network_whole(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    document = load_scenario(SCENARIO)
    record = run(document, planned_steps(document, network.topology, 1, document.steps()), network, seed=1)
    assert record.aborted == ""
    assert [outcome.error for outcome in record.outcomes if outcome.error] == []
    assert {"flap", "links", "churn"} == {outcome.operation.step for outcome in record.outcomes}
    assert record.leaks.leaked == []
    assert any(probe.windows for probe in record.probes)
    assert attach("far").deviations() == []
    assert check_reachability(network).is_right


SHAKEN = """\
name: far
warmup: 500 ms
cooldown: 500 ms
metrics: {interval: 500 ms, ports: {name: "h[19]"}}
probes:
  - {probe: ping, pairs: 12, interval: 200 ms, timeout: 300 ms}
  - {probe: tcp, pairs: 12, interval: 200 ms, timeout: 300 ms}
steps:
  - parallel:
      - {action: port-flap, name: flap, target: host, rate: 10, down: 100 ms, duration: 3 s}
      - {action: node-churn, name: churn, target: {name: "h*"}, rate: 3, away: 300 ms, duration: 3 s}
      - {action: node-churn, name: switches, target: {name: "s[23]"}, rate: 1, away: 300 ms, duration: 3 s}
      - {action: link-flap, name: silent, target: {between: [s1, "s[234]"]}, rate: 3, down: 100 ms,
         duration: 3 s}
      - {action: link-flap, name: known, target: {between: [s1, "s[234]"]}, rate: 2, down: 200 ms,
         duration: 3 s, reroute: true}
      - {action: link-impair, name: slow, rate: 2, shape: {bandwidth: 10 Mbit}, impaired: 200 ms,
         duration: 3 s}
      - {action: process, name: commands, target: host, rate: 3, command: [ip, link], duration: 3 s}
      - {action: arp-storm, name: storm, target: host, rate: 20, duration: 3 s}
      - {action: mac-move, name: moves, target: host, rate: 5, away: 100 ms, duration: 3 s}
  - parallel:
      - {action: traffic, name: flows, flows: 4, protocol: udp, bandwidth: 1 Mbit, duration: 2 s}
      - {action: traffic, name: streams, flows: 4, duration: 2 s}
      - {action: traffic, name: programs, flows: 2, bandwidth: 1 Mbit, using: iperf3, duration: 2 s}
"""


def shake(network: Network, text: str = SHAKEN) -> RunResult:
    document = load_scenario(text)
    return run(document, planned_steps(document, network.topology, 1, document.steps()), network, seed=1)


def test_a_run_by_the_workers_leaves_both_kernels_as_before(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    machines = list(carrier.machines.values())
    before = [settled(machine.state, "far") for machine in machines]
    carrier.calls.clear()
    result = shake(network)
    assert (result.aborted, result.leaks.leaked) == ("", [])
    assert {one.error for one in result.outcomes} == {""}
    assert len(result.outcomes) == sum(result.offered.values())
    for machine, state in zip(machines, before, strict=True):
        assert not (found := difference_within(state, machine.state, "far")), "\n".join(found)
    # sent beforehand: no call changes anything while it runs
    entries = [call.entry for call in carrier.calls]
    assert entries.count("emulator.agent.parts:run") == 2
    assert not {one for one in entries if any(word in one for word in ("sessions", "set_links", "execute"))}
    begun = {call.arguments["entry"] for call in carrier.calls if call.entry == "emulator.agent.tasks:start"}
    assert not {entry for entry in begun if "flows" in entry or "frames" in entry}

    assert [worker.name for worker in result.workers] == ["w1", "w2"]
    whole = summary(result, [])
    for worker in whole["workers"]:
        assert worker["operations"] > 10
        assert worker["errors"] == 0
        assert worker["lateness"]["count"] == worker["operations"]
        assert 0 < worker["clock_error"] < 1  # both have the clock of this machine
        assert abs(worker["clock_drift"]) <= 2 * worker["clock_error"] + 0.1
        for metric in ("cpu.busy", "memory.used", "load.1"):
            assert max(filter(None, whole["metrics"]["series"][f"worker.{worker['name']}.host.{metric}"])) > 0
    assert {line.split(":")[0] for line in summary_lines(result, Figures(result))} >= {"w1", "w2"}
    jsonschema.validate(finite(whole), schema())

    for kind in ("ping", "tcp"):
        found = [probe for probe in result.probes if probe.kind == kind]
        apart = [on(network, node(network, p.source)) != on(network, node(network, p.target)) for p in found]
        assert any(apart)
        assert not all(apart)
        assert all(probe.answered for probe in found)
        assert any(probe.windows for probe in found)
    assert [flow["step"] for flow in result.traffic] == ["flows"] * 4 + ["streams"] * 4 + ["programs"] * 2
    assert [flow for flow in result.traffic if flow["error"] or not flow["received_bytes"]] == []
    apart = [on(network, node(network, f["source"])) != on(network, node(network, f["target"]))
             for f in result.traffic]  # fmt: skip
    assert any(apart[:4])
    assert any(apart[4:8])
    assert any(apart[8:])
    assert {name.split(".")[1] for name in whole["metrics"]["series"] if name.startswith("port.")} == {
        "h1-eth0", "h9-eth0",
    }  # fmt: skip


def test_a_worker_that_is_through_leaves_the_commands_of_others_alone(carrier: NamespaceCarrier) -> None:
    """Both see the same processes here, and each ends its own commands at its end."""
    network = up(BRIDGED)
    one, other = (
        next(name for name in network.topology.names if on(network, node(network, name)) == worker)
        for worker in ("w1", "w2")
    )
    text = "name: far\nwarmup: 0 s\ncooldown: 0 s\nsteps:\n  - parallel:\n"
    for name, seconds in ((one, 0), (other, 1.2)):
        command = f"command: [sleep, '{seconds}']"
        text += f"      - {{action: process, target: {name}, rate: 1, {command}, duration: 300 ms}}\n"
    result = shake(network, text)
    assert len(result.outcomes) == 2
    assert {one.error for one in result.outcomes} == {""}


def test_a_worker_killed_in_a_run_ends_it_and_all_is_restored(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    machines = list(carrier.machines.values())
    before = [settled(machine.state, "far") for machine in machines]
    victim = carrier.machines["w2"]

    def kill() -> None:
        assert victim.worker is not None
        victim.worker.kill()
        time.sleep(1)
        victim.start()

    killer = threading.Timer(3.0, kill)
    killer.start()
    result = shake(network, SHAKEN.replace("duration: 3 s", "duration: 20 s"))
    killer.join()
    assert "w2: it can't be reached" in result.aborted
    assert [bool(worker.failure) for worker in result.workers] == [False, True]
    assert all(worker.operations > 0 for worker in result.workers)
    assert not list(victim.state.rglob("part.*"))
    assert 0 < len(result.outcomes) < sum(result.offered.values())
    assert result.leaks.leaked == []
    for machine, state in zip(machines, before, strict=True):
        assert not (found := difference_within(state, machine.state, "far")), "\n".join(found)
    assert attach("far").deviations() == []


CUT = """\
name: far
steps:
  - parallel:
      - {action: partition, target: {name: "s[34]"}, reroute: true, cut: 5 s, duration: 5 s}
      - {action: link-impair, target: {between: [h1, s2]}, churn: {percent: 100 %, delay: 0 s},
         shape: {bandwidth: 10 Mbit}, impaired: 5 s, duration: 5 s}
"""


def test_beside_a_run_links_are_told_as_the_workers_have_them(
    carrier: NamespaceCarrier, state_dir: Path
) -> None:
    network = up(BRIDGED)
    assert attach("far").link_changes == {}
    document = load_scenario(CUT)
    schedule = planned_steps(document, network.topology, 1, document.steps())
    journal = state_dir / "far" / JOURNAL
    runner = threading.Thread(
        target=run, args=(document, schedule, network), kwargs={"seed": 1, "journal": journal}
    )
    runner.start()
    try:
        beside = attach("far")
        await_true(lambda: len(beside.link_changes) == 9)
        changes = beside.link_changes
        shaped = [link for link, state in changes.items() if state.forward or state.backward]
        assert [{network.topology.names[n] for n in network.topology.ends[one]} for one in shaped] == [
            {"h1", "s2"}
        ]
        down = {link for link, state in changes.items() if not state.up}
        assert len(down) == 8
        for link in down:
            one, other = (int(end) for end in network.topology.ends[link])
            peer = network.topology.names[other]
            ways = [way["up"] for way in beside.describe(one)["links"] if way["peer"] == peer]
            assert ways == [False]
        found = check_reachability(beside)
        assert found.expected < found.pairs
        assert found.is_right, found.unexpected
    finally:
        runner.join()
    assert attach("far").link_changes == {}
    assert not journal.exists()


def await_true(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_share_that_comes_after_down_is_refused(carrier: NamespaceCarrier) -> None:
    """The client was killed between its two calls, and the first one took longer on the way."""
    wanted = plan_of(BRIDGED)
    sent = shipment(wanted, "")
    workers = connection.workers_of(wanted.options, "far", sent.names, new_number())
    workers.ask_all("emulator.agent.lifecycle:down", 60, {"seconds": 10}, own_process=True)
    with pytest.raises(BrokenError, match="`far` was taken down meanwhile"):
        workers.ask(
            "emulator.agent.lifecycle:deploy", sent.arguments(new_number()), 60, data=sent.data,
            own_process=True,
        )  # fmt: skip


def test_an_operation_that_arrives_twice_is_done_once(carrier: NamespaceCarrier) -> None:
    network = up(BRIDGED)
    assert isinstance(network, ClusterNetwork)
    sent, operation = shipment(plan(network), ""), new_number()
    entry = "emulator.agent.lifecycle:deploy"
    for _ in range(2):
        again = network.workers.ask(entry, sent.arguments(operation), 60, data=sent.data, own_process=True)
        assert [answer.value["changes"] for answer in again.values()] == [[], []]
    assert {answer.value["seconds"] for answer in again.values()} == {0.0}


def test_pinned_nodes_are_where_the_file_has_them(carrier: NamespaceCarrier) -> None:
    pins = "placement: [{match: {name: s2}, worker: w2}, {match: {name: h1}, worker: w1}]\n"
    wanted = plan_of(BRIDGED + pins)
    placed = {
        name: wanted.workers[w].name
        for name, w in zip(wanted.topology.names, wanted.placement.tolist(), strict=True)
    }
    assert (placed["s2"], placed["h1"], placed["h2"], placed["h3"]) == ("w2", "w1", "w2", "w2")
    engine_named("cluster").deploy(wanted, "", silent)
    assert check_reachability(attach("far")).is_right
    with pytest.raises(UsageError, match="h1 runs on w1, and the file places it on w2"):
        plan_of(BRIDGED + pins.replace("name: h1}, worker: w1", "name: h1}, worker: w2"))
    with pytest.raises(UsageError, match="`w9`, which isn't a worker"):
        plan_of(BRIDGED + "placement: [{match: {name: s2}, worker: w9}]\n")


def test_doctor_names_the_worker_whose_underlay_is_too_small(carrier: NamespaceCarrier) -> None:
    engine: Any = engine_named("cluster")
    fine = engine.examine({"scheduler": SCHEDULER})
    assert [one for one in fine if one.needed and not one.is_fine] == []
    assert {one.worker for one in fine} == {"w1", "w2"}
    assert {one.name for one in fine} >= {"release", "clock", "underlay", "path to w1", "path to w2"}
    for name in ("kernel", "open files", "user.max_net_namespaces", "memory"):
        assert [one.worker for one in fine if one.name == name and one.value] == ["w1", "w2"]
    machine = carrier.machines["w2"]
    machine.nsenter("ip", "link", "set", "eth1", "mtu", "1400")
    try:
        wrong = {
            (one.worker, one.name) for one in engine.examine({"scheduler": SCHEDULER}) if not one.is_fine
        }
        assert ("w2", "underlay MTU") in wrong
        machine.nsenter("ip", "link", "set", "eth1", "down")
        wrong = {
            (one.worker, one.name) for one in engine.examine({"scheduler": SCHEDULER}) if not one.is_fine
        }
        assert ("w2", "underlay") in wrong
    finally:
        machine.nsenter("ip", "link", "set", "eth1", "mtu", "1500", "up")


def test_a_light_port_sends_from_wherever_it_moved(carrier: NamespaceCarrier) -> None:
    network = up(TENANTS)
    port, target = node(network, "v1s1p1"), network.addresses(node(network, "v1s1p2"))[0]
    other = attach("far")
    visited = set()
    for host in ("h2", "h3", "h4", "h1"):
        network.migrate(port, node(network, host))
        for each in (network, attach("far")):
            assert isinstance(each, ClusterNetwork)
            assert each.access.worker_of(port) == each.access.worker_of(node(network, host))
            (result,) = each.access.execute([port], ["ping", "-c1", "-W2", target])
            assert result.code == 0, (host, result.output, result.errors)
        visited.add(network.access.worker_of(port))  # type: ignore[attr-defined]
        assert not check_reachability(attach("far")).unexpected
    assert visited == {"w1", "w2"}
    assert other.deviations() == []


SWITCHES = """\
name: far
switch: ovs
openflow: {{controller: {controller}}}
topology: {{generator: tree, depth: 2, fanout: 3}}
"""
needs_ovs = pytest.mark.skipif(
    not (shutil.which("ovs-vswitchd") or Path("/usr/sbin/ovs-vswitchd").exists()),
    reason="Open vSwitch isn't installed: apt install openvswitch-switch",
)
TOY = """\
import asyncio, sys
from emulator.controllers.learning import Learner, Switch
async def main():
    learner = Learner()
    server = await asyncio.get_running_loop().create_server(lambda: Switch(learner), sys.argv[1], 6653)
    print("listens", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
"""A controller on the underlay, as a user's own would be; it runs until it is killed."""


def switches(network: Network) -> dict[str, list[int]]:
    """Return the switches by worker."""
    assert isinstance(network, ClusterNetwork)
    every = np.flatnonzero(network.topology.kinds == Kind.SWITCH).tolist()
    found: dict[str, list[int]] = {}
    for switch in every:
        found.setdefault(network.access.worker_of(switch), []).append(switch)
    return found


@needs_ovs
def test_each_worker_runs_the_learning_controller_of_its_switches(carrier: NamespaceCarrier) -> None:
    network = up(SWITCHES.format(controller="learning"))
    assert set(switches(network)) == {"w1", "w2"}
    assert attach("far").health().running
    assert check_reachability(network).is_right
    assert network.deviations() == []


RESTARTS = """\
name: far
warmup: 0 s
cooldown: 500 ms
probes: [{probe: ping, pairs: 6, interval: 100 ms, timeout: 300 ms}]
steps:
  - {action: controller-restart, name: restart, rate: 2, down: 200 ms, duration: 1 s}
"""


@needs_ovs
def test_each_worker_restarts_the_controller_of_its_switches(carrier: NamespaceCarrier) -> None:
    network = up(SWITCHES.format(controller="learning"))

    def controllers() -> dict[str, set[int]]:
        """Return the learning controllers that each worker runs, by their process ids."""
        return {
            name: {
                process.pid
                for process in with_variable("EMULATOR_STATE_DIR", str(machine.state))
                if re.search(r"ovs-(test)?controller|controllers\.learning", " ".join(command_of(process)))
            }
            for name, machine in carrier.machines.items()
        }

    before = controllers()
    assert all(before.values())
    result = shake(network, RESTARTS)
    assert (result.aborted, result.leaks.leaked) == ("", [])
    assert {(one.error, one.skipped) for one in result.outcomes} == {("", "")}
    assert len(result.outcomes) == 4
    after = controllers()
    assert all(after.values())
    assert all(before[worker].isdisjoint(after[worker]) for worker in before)
    assert attach("far").deviations() == []
    assert check_reachability(network).is_right


@needs_ovs
def test_switches_of_all_workers_connect_to_a_controller_on_the_underlay(carrier: NamespaceCarrier) -> None:
    machine = carrier.machines["w1"]
    words = [*machine.entered, sys.executable, "-c", TOY, machine.address]
    toy = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert toy.stdout is not None
        assert toy.stdout.readline() == "listens\n"
        network = up(SWITCHES.format(controller=f'{{remote: "{machine.address}:6653"}}'))
        assert set(switches(network)) == {"w1", "w2"}
        assert attach("far").health().running
        assert check_reachability(network).is_right  # switches are `secure`: the toy alone forwards
    finally:
        toy.kill()
        toy.communicate()


@needs_ovs
def test_a_controller_that_each_worker_would_run_for_itself_is_refused(carrier: NamespaceCarrier) -> None:
    with pytest.raises(
        RefusedError, match=r"w1: controller c0 .*each machine would run its own.*remote"
    ) as it:
        up(SWITCHES.format(controller="{command: [python3, app.py]}"))
    assert any(reason.startswith("w2: ") for reason in it.value.reasons)
    assert names() == []
