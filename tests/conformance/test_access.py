"""Access to nodes: each engine has the capabilities that it says, and an agent elsewhere can have them too.

`support.agent` is access to a network of this machine by JSON to another process: what runs through it
can't have been handed a socket, a process or a namespace.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import AgentAccess

from emulator.access import Access, Capability, CaptureRequest, Echo
from emulator.engines.registry import engine_named
from emulator.errors import UnableError
from emulator.network import Network
from emulator.plan import make_plan
from emulator.tasks import Task
from stress.records import ProbeRecord, RunResult
from stress.runner import run
from stress.scenario.load import load_text as load_scenario
from stress.schedule import planned
from topologies.build import build
from topologies.identifiers import interface_name
from topologies.spec.load import load_text

pytestmark = [pytest.mark.privileged]

NET = "name: reached\ntopology: {generator: tree, depth: 2, fanout: 3}\n"
SCENARIO = """\
name: reached
warmup: 500 ms
cooldown: 1 s
metrics: {interval: 250 ms, ports: h1}
probes:
  - {probe: ping, pairs: 20, interval: 50 ms, timeout: 300 ms}
  - {probe: tcp, pairs: 8, interval: 100 ms, timeout: 300 ms}
  - {probe: command, pairs: 2, interval: 200 ms, timeout: 2 s, command: [test, "{target}"]}
steps:
  - parallel:
      - {action: traffic, name: udp, flows: 4, protocol: udp, bandwidth: 1 Mbit, duration: 2 s}
      - {action: traffic, name: tcp, flows: 2, protocol: tcp, bandwidth: 2 Mbit, duration: 2 s}
      - {action: arp-storm, name: storm, target: {kind: host, count: 4}, rate: 200, duration: 2 s}
  - {action: port-flap, name: flap, target: h1, rate: 1, down: 600 ms, duration: 1 s}
"""


def up(engine: str) -> Network:
    topology = build(load_text(NET))
    return engine_named(engine).deploy(make_plan(topology, engine))


@pytest.fixture(params=["dry-run", "netns", "mininet"])
def network(request: pytest.FixtureRequest, state_dir: Path) -> Iterator[Network]:
    if request.param == "mininet" and not shutil.which("mnexec"):
        pytest.skip("Mininet isn't here")
    made = up(request.param)
    yield made
    made.down()


def uses_of(network: Network, access: Access) -> dict[Capability, Callable[[], None]]:
    """Return for each capability what uses it, and fails where it doesn't work."""
    h1, h2 = (network.topology.names.index(name) for name in ("h1", "h2"))
    interface = interface_name(network.topology, h1, 0)

    def commands() -> None:
        results = access.execute([h1, h2], ["true"], 20)
        assert [(result.node, result.code) for result in results] == [("h1", 0), ("h2", 0)]

    def terminal() -> None:
        assert access.interact(h1, ["true"], 20) == 0

    def ping() -> None:
        assert access.ping([Echo(h1, network.addresses(h2)[0])], 3.0) != [None]

    def capture() -> None:
        access.check_filter(None)
        file = io.BytesIO()
        access.capture(h1, CaptureRequest(interface, seconds=0.5), file)
        assert file.getvalue()[:4] == b"\x4d\x3c\xb2\xa1"  # pcap with nanoseconds

    def tasks() -> None:
        task = access.start(Task("stress.tasks.ports:PortCounters", {"ports": [[h1, interface]]}))
        assert task.ask()[interface]["rx_packets"] >= 0
        assert task.failure is None
        task.stop()
        task.stop()

    return {
        Capability.COMMANDS: commands, Capability.TERMINAL: terminal, Capability.PING: ping,
        Capability.CAPTURE: capture, Capability.TASKS: tasks, Capability.CONSOLE: access.open_console,
    }  # fmt: skip


def test_an_engine_can_what_it_says_and_refuses_the_rest_in_words(network: Network) -> None:
    uses = uses_of(network, network.access)
    assert set(uses) == set(Capability)
    for capability, use in uses.items():
        if network.access.supports(capability):
            use()
        else:
            with pytest.raises(UnableError, match=f"the engine {network.engine} can't {capability}"):
                use()
    if not network.access.supports(Capability.CAPTURE):
        with pytest.raises(UnableError):
            network.access.capture(0, CaptureRequest("h1-eth0"), io.BytesIO())


class ByAgent:
    """A network whose nodes are reached through an agent alone."""

    def __init__(self, network: Network, access: AgentAccess) -> None:
        self._network = network
        self.access = access

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


@pytest.fixture
def agent(state_dir: Path) -> Iterator[ByAgent]:
    made = up("netns")
    access = AgentAccess(made.name)
    yield ByAgent(made, access)
    access.close()
    made.down()


def test_an_agent_can_all_that_needs_no_terminal(agent: Any) -> None:
    for capability, use in uses_of(agent, agent.access).items():
        if agent.access.supports(capability):
            use()
    with pytest.raises(UnableError, match="the probes need"):
        agent.access.start(Task("stress.tasks.probes:Probes", too_many_sockets(agent)))


def too_many_sockets(network: Network) -> dict[str, Any]:
    """Return the arguments of probes that need more sockets than any process may open."""
    a, b = network.topology.hosts.tolist()[:2]
    pair = [a, b, network.addresses(b)[0]]
    spec = {"kind": "tcp", "name": "tcp", "pairs": [pair], "interval": 1e-9, "timeout": 10.0, "port": 7}
    return {"specs": [{**spec, "command": []}], "origin": 0.0}


def test_probes_and_traffic_find_the_same_through_an_agent(agent: Any) -> None:
    here, there = record_of(agent._network), record_of(agent)
    for record in (here, there):
        assert record.aborted == ""
        assert record.leaks.leaked == []
        assert [outcome.error for outcome in record.outcomes if outcome.error] == []
        assert_probes(record.probes)
        assert_traffic(record)
        assert sum("port.h1-eth0.tx_packets" in sample.values for sample in record.samples) > 8
        assert 0 < record.probe_cost < 3
        assert all(
            sample.values["run.memory"] > 1e6 for sample in record.samples if "run.memory" in sample.values
        )
    assert list(map(key, here.probes)) == list(map(key, there.probes))


def record_of(network: Network) -> RunResult:
    document = load_scenario(SCENARIO)
    schedule = planned(document, network.topology, 1, document.steps())
    return run(document, schedule, network, seed=1)


def key(record: ProbeRecord) -> tuple[str, str, str, str, float]:
    return record.probe, record.kind, record.source, record.target, record.interval


def assert_probes(records: list[ProbeRecord]) -> None:
    """All pairs answer but those of h1, while its port is down; TCP may miss once more when it is back."""
    assert len(records) == 30
    for record in records:
        assert record.sent > 8
        if record.kind == "command":
            assert record.answered == record.sent
            continue
        hit = "h1" in {record.source, record.target}
        assert bool(record.windows) == hit, key(record)
        for window in record.windows:
            assert 2.4 < window.start < 3.7  # the port goes down 2.5 s after the run began, for 0.6 s
        away = sum((window.end or 99.0) - window.start for window in record.windows)
        # a neighbour that didn't answer is asked again after a second, and so is a lost SYN sent again
        assert not hit or 0.3 < away < 0.6 + 1.0 + 0.6
        assert all(0 < seconds < 0.3 for _, seconds in record.times)
    for kind in ("ping", "tcp", "command"):
        mine = [record for record in records if record.kind == kind]
        histogram = mine[0].histogram
        assert histogram is not None
        assert all(record.histogram is histogram for record in mine)
        assert histogram.count == sum(record.answered for record in mine)


def assert_traffic(record: RunResult) -> None:
    """All flows carry their rate for their time, and what is sent arrives."""
    assert len(record.traffic) == 6
    for flow in record.traffic:
        rate = {"udp": 1e6, "tcp": 2e6}[flow["protocol"]]
        assert flow["error"] == ""
        assert flow["sent_bytes"] * 8 / flow["seconds"] == pytest.approx(rate, rel=0.15)
        assert flow["received_bytes"] >= 0.95 * flow["sent_bytes"]
