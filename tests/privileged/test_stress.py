"""Scenarios on the kernel: the ready ones at small size, every action, and a runner that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.command import CommandLine

import stress
from emulator.access import Echo
from emulator.engines.netns import NetnsEngine
from emulator.network import Network
from emulator.plan import make_plan
from emulator.stress_recovery import recover
from stress.records import RunResult
from stress.runner import RunStatus, run
from stress.scenario.load import Document, load_text
from stress.schedule import planned
from topologies.build import build
from topologies.spec.load import load_text as load_topology

pytestmark = pytest.mark.privileged

EXAMPLES = Path(stress.__file__).parent / "examples"
FABRIC = """\
name: fab
forwarding: routed
topology: {generator: leaf-spine, spines: 2, leaves: 3, hosts_per_leaf: 4}
"""
TREE = "name: tree\ntopology: {generator: tree, depth: 2, fanout: 4}\n"
EVERYTHING = """\
name: everything
steps:
  - parallel:
      - {action: port-flap, target: host, rate: 100, down: 20 ms, duration: 2 s}
      - {action: node-churn, rate: 5, away: 200 ms, duration: 2 s}
      - {action: port-churn, target: {between: [switch, switch]}, rate: 5, away: 100 ms, duration: 2 s}
      - {action: switch-restart, target: edge, rate: 2, down: 100 ms, duration: 2 s}
      - {action: arp-storm, target: {kind: host, count: 2}, rate: 50, duration: 2 s}
"""


def up(text: str) -> Network:
    return NetnsEngine().deploy(make_plan(build(load_topology(text)), "netns"))


def run_scenario(
    document: Document, network: Network, duration: float | None = None, **options: Any
) -> RunResult:
    schedule = planned(document, network.topology, 1, document.steps(duration))
    return run(document, schedule, network, seed=1, **options)


def reaches(network: Network) -> bool:
    """Return whether each host answers its neighbour, and the first the last."""
    hosts = network.topology.hosts.tolist()
    echoes = [Echo(a, network.addresses(b)[0]) for a, b in zip(hosts, hosts[1:] + hosts[:1], strict=True)]
    return None not in network.access.ping(echoes, 2.0)


def clean(record: RunResult, network: Network) -> None:
    assert {outcome.error for outcome in record.outcomes} == {""}
    assert record.leaks.leaked == []
    assert network.repair() == []
    assert reaches(network)


@pytest.mark.parametrize(
    ("name", "text", "seconds"),
    [
        ("port-churn", TREE, 1.5), ("node-churn", TREE, 3.0), ("fabric-failure", FABRIC, 5.0),
        ("rolling-restart", FABRIC, 10.0), ("soak", TREE, 4.0),
    ],
)  # fmt: skip
def test_a_ready_scenario_leaves_the_network_as_it_was(
    state_dir: Path, name: str, text: str, seconds: float
) -> None:
    network = up(text)
    try:
        text = (EXAMPLES / f"{name}.yaml").read_text().replace("3 s", "1 s")
        record = run_scenario(load_text(text), network, seconds)
        assert len(record.outcomes) == sum(record.offered.values())
        assert len(record.probes) == sum(probe.pairs for probe in load_text(text).scenario.probes)
        assert any(probe.answered for probe in record.probes)
        assert len(record.samples) >= 2
        clean(record, network)
        if name in {"fabric-failure", "soak"}:
            assert all(flow["received_bytes"] > 0 for flow in record.traffic)
    finally:
        network.down()


ENDED_BY_CHURN = """\
name: ended
steps:
  - parallel:
      - {action: process, target: h1, rate: 4, command: [sleep, "0.3"], duration: 1500 ms}
      - {action: process, target: h2, rate: 4, command: ["false"], duration: 1 s}
      - {action: node-churn, target: h1, rate: 2, away: 100 ms, duration: 1500 ms}
"""


def test_a_command_whose_node_is_removed_meanwhile_is_skipped_other_failures_count(
    state_dir: Path,
) -> None:
    network = up(TREE)
    try:
        record = run_scenario(load_text(ENDED_BY_CHURN), network)
    finally:
        network.down()
    skipped = {outcome.skipped for outcome in record.outcomes if outcome.operation.targets == ("h1",)}
    assert "the node was removed meanwhile" in skipped
    errors = {(outcome.operation.targets, outcome.error) for outcome in record.outcomes if outcome.error}
    assert errors == {(("h2",), "`false` gave exit code 1")}


def test_capacity_grows_and_takes_all_down(state_dir: Path) -> None:
    network = up(TREE)

    class Grows:
        def grow(self, name: str, hosts: int) -> Network:
            return up(f"name: {name}\ntopology: {{generator: single, hosts: {hosts}}}\n")

    try:
        text = (EXAMPLES / "mininet-capacity.yaml").read_text()
        text = text.replace("hosts: 256", "hosts: 8").replace("interval: 2 s", "interval: 500 ms")
        record = run_scenario(load_text(text), network, 2.0, growth=Grows())
        assert [size["hosts"] for size in record.ramps[0]["sizes"]] == [8, 16, 24, 32]
        assert record.ramps[0]["stopped_by"] == ""
        clean(record, network)
    finally:
        network.down()


def test_everything_at_once_overlaps_without_errors(state_dir: Path) -> None:
    network = up(TREE)
    try:
        record = run_scenario(load_text(EVERYTHING), network)
        clean(record, network)
        assert "the port is down or gone" in {outcome.skipped for outcome in record.outcomes}
    finally:
        network.down()


FLAPS = """\
name: flaps
steps:
  - parallel:
    - {action: link-flap, target: {between: [spine, leaf]}, rate: 4, down: 500 ms, duration: 3 s}
    - {action: switch-restart, target: spine, rate: 1, down: 200 ms, duration: 3 s}
    - {action: node-churn, rate: 2, away: 300 ms, duration: 3 s}
probes:
  - {probe: ping, pairs: 20, interval: 50 ms}
"""


def routes(network: Network) -> list[list[bytes]]:
    nodes = range(network.topology.node_count)
    return [
        sorted(found.output.splitlines()) for found in network.access.execute(nodes, ["ip", "-o", "route"])
    ]


def test_routers_go_around_links_that_flap_while_others_restart(state_dir: Path) -> None:
    network = up(FABRIC)
    try:
        before = routes(network)
        clean(run_scenario(load_text(FLAPS), network), network)
        assert routes(network) == before
    finally:
        network.down()


def test_ecmp_goes_around_a_cut_link(state_dir: Path) -> None:
    network = up(FABRIC)
    step = "{action: link-flap, target: {between: [spine, leaf]}, rate: 1, down: 800 ms, duration: 3 s}"
    probes = "probes: [{probe: ping, pairs: 30, interval: 50 ms}]"
    try:
        record = run_scenario(load_text(f"name: x\nsteps: [{step}]\n{probes}"), network)
        windows = [window for probe in record.probes for window in probe.windows]
        assert all(window.end is not None and window.end - window.start < 0.5 for window in windows)
        clean(record, network)
    finally:
        network.down()


@pytest.mark.parametrize("using", ["own", "iperf3"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_flows_carry_what_was_asked_for(state_dir: Path, protocol: str, using: str) -> None:
    if using == "iperf3" and shutil.which("iperf3") is None:
        pytest.skip("needs iperf3")
    network = up(TREE)
    keys = f"flows: 3, protocol: {protocol}, bandwidth: 4 Mbit, duration: 3 s, using: {using}"
    text = f"name: x\nsteps: [{{action: traffic, {keys}}}]"
    try:
        record = run_scenario(load_text(text), network)
        assert len(record.traffic) == 3
        for flow in record.traffic:
            assert flow["error"] == ""
            assert 0.5e6 * 0.5 * flow["seconds"] < flow["received_bytes"] < 0.5e6 * (flow["seconds"] + 0.6)
            assert len(flow["series"]) >= 2
            assert using != "own" or sum(flow["series"]) == flow["received_bytes"]
            assert protocol == "tcp" or flow["arrived"] <= flow["packets"]
        clean(record, network)
    finally:
        network.down()


def test_a_mac_that_moved_draws_traffic_and_goes_home(state_dir: Path) -> None:
    network = up("name: m\ntopology: {generator: single, hosts: 3}\n")
    text = "name: x\nsteps: [{action: mac-move, target: {name: h1}, rate: 1, away: 900 ms, duration: 1 s}]"
    try:
        assert reaches(network)
        clean(run_scenario(load_text(text), network), network)
    finally:
        network.down()


def started(words: str) -> list[int]:
    """Return the processes whose command line is `words`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if " ".join(process.cmdline()) == words:
                found.append(process.pid)
    return found


def test_what_a_command_leaves_behind_ends_with_the_run(state_dir: Path, tmp_path: Path) -> None:
    network = up(TREE)
    command = '[sh, -c, "sleep 4711 >&- 2>&- &"]'
    text = f"name: x\nsteps: [{{action: process, rate: 5, duration: 1 s, command: {command}}}]"
    try:
        record = run_scenario(load_text(text), network, journal=tmp_path / "stress.json")
        assert {outcome.error for outcome in record.outcomes} == {""}
        assert record.restored == ["`sleep 4711` is ended"] * 5
        assert started("sleep 4711") == []
    finally:
        network.down()


def test_commands_are_not_waited_for_once_a_signal_has_come(state_dir: Path, tmp_path: Path) -> None:
    network = up(TREE)
    command = "timeout: 60 s, command: [sleep, '4712']"
    text = f"name: x\nsteps: [{{action: process, rate: 1, duration: 20 s, {command}}}]"

    def stop(watch: RunStatus) -> None:
        if started("sleep 4712"):
            os.kill(os.getpid(), signal.SIGINT)

    try:
        begin = time.monotonic()
        record = run_scenario(load_text(text), network, journal=tmp_path / "stress.json", look=stop)
        assert time.monotonic() - begin < 30
        assert record.interrupted == "SIGINT"
        assert "`sleep 4712` is ended" in record.restored
        assert started("sleep 4712") == []
    finally:
        network.down()


CHILD = """
import sys
from emulator.engines.netns import NetnsEngine
from stress.runner import run
from stress.scenario.load import load
from stress.schedule import planned
from pathlib import Path

network = NetnsEngine().attach("tree")
document = load(sys.argv[1])
schedule = planned(document, network.topology, 1, document.steps())
print("begun", flush=True)
run(document, schedule, network, seed=1, journal=Path(sys.argv[2]))
"""


@pytest.mark.e2e
@pytest.mark.parametrize("how", ["recover", "down"])
def test_after_kill_9_nothing_stays_away(tmp_path: Path, cli: CommandLine, state_dir: Path, how: str) -> None:
    text = EVERYTHING.replace("duration: 2 s", "duration: 60 s")
    text += "  - {action: port-flap, rate: 1, duration: 1 s}\n"
    flap = "      - {action: link-flap, target: host, reroute: true, rate: 5, down: 1 s, duration: 60 s}\n"
    flap += "      - {action: process, rate: 5, command: [sleep, '4712'], duration: 60 s}\n"
    (tmp_path / "s.yaml").write_text(text.replace("  - parallel:\n", "  - parallel:\n" + flap))
    (tmp_path / "net.yaml").write_text(TREE)
    cli("up", "net.yaml", code=0)
    journal = state_dir / "tree" / "stress.json"
    words = [sys.executable, "-c", textwrap.dedent(CHILD), "s.yaml", str(journal)]
    child = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    deadline = time.monotonic() + 20
    while not (journal.exists() and json.loads(journal.read_text())["links"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.7)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert started("sleep 4712") != []
    assert "a stress run was killed before it restored the network" in cli("status", code=1).stdout
    if how == "recover":
        assert cli.json("stress", "--recover", "--net", "tree")["recovered"] != []
        assert not journal.exists()
        network = NetnsEngine().attach("tree")
        assert dict(network.link_changes) == {}
        assert recover(network, journal, print) == []
        assert cli.json("check", "tree")["unexpected"] == []
        assert started("sleep 4712") == []
    cli("down", "tree", code=0)
    assert started("sleep 4712") == []
