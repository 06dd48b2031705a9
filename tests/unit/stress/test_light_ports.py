"""Steps and probes on a network of light ports: what they select, and what they refuse."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.engines.dry_run_session import DryRunSession
from emulator.plan import make_plan
from stress.actions import mac_move
from stress.actions.base import Action
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.actions.registry import action_named
from stress.keys import TargetKeys
from stress.probes.sockets import Opener, bound
from stress.probes.specs import resolve
from stress.records import RunResult
from stress.runner import run
from stress.runner.work_distribution import shares
from stress.scenario.load import load_text as load_scenario
from stress.scenario.model import Probe
from stress.schedule import Schedule, planned
from stress.targets import target_name
from topologies.build import build
from topologies.errors import ParameterError
from topologies.spec.load import load_text

TEXT = """\
name: v
forwarding: routed
topology: {generator: vpc, vpcs: 2, ports: 20, hosts: 4}
"""
TOPOLOGY = build(load_text(TEXT))
FULL_HOSTS = {"h1", "h2", "h3", "h4"}


class Placed:
    topology = TOPOLOGY

    def addresses(self, node: int) -> list[str]:
        return [f"10.0.0.{node + 1}"]


def action(name: str, **keys: Any) -> Action:
    given = {"rate": 10} | keys
    return action_named(name)(action=name, **{k: value for k, value in given.items() if value is not None})


def plan(step: Action, seconds: float = 4.0) -> PlannedOperations:
    return step.plan(PlanContext(TOPOLOGY, step.action, ("steps", 0), seconds, 1))


def names(step: Action) -> set[str]:
    return {target_name(TOPOLOGY, target) for target in plan(step).targets}


def vpc(name: str) -> str:
    return name.partition("s")[0] if name.startswith("v") else ""


def test_a_light_port_is_selected_once_and_hosts_have_no_interface_for_it() -> None:
    flapped = names(action("port-flap", target={"kind": "host"}))
    assert len(flapped) == 44
    assert {f"{name}-eth0" for name in FULL_HOSTS} <= flapped
    assert names(action("port-flap", target={"name": "h1"})) == {"h1-eth0"}


def test_light_ports_ask_no_switch() -> None:
    assert names(action("arp-storm")) == {f"{host}-eth0" for host in FULL_HOSTS}
    with pytest.raises(ParameterError, match="nothing floods their ARP requests"):
        plan(action("arp-storm", target={"name": "v*"}))


def test_macs_of_light_ports_appear_at_other_hosts_of_their_space_and_return() -> None:
    for keys in ({}, {"target": {"name": "v1*"}, "to": {"name": "h[12]"}}):
        moves = action("mac-move", **keys)
        found = plan(moves)
        assert moves.needs(TOPOLOGY) == "session"
        home = {
            node: int(TOPOLOGY.light_hosts[node - TOPOLOGY.full.node_count])
            for node in np.flatnonzero(TOPOLOGY.light).tolist()
        }
        there = [found.targets[k] for k in found.target[found.verb == 0].tolist()]
        back = [found.targets[k] for k in found.target[found.verb == 1].tolist()]
        assert there
        assert all(one.kind == "move" and home[one.number] != one.port for one in there)
        assert [(one.number, home[one.number]) for one in there] == [(one.number, one.port) for one in back]
        if keys:
            assert {TOPOLOGY.names[one.port] for one in there} == {"h1", "h2"}


def test_macs_of_full_hosts_move_by_frames_and_have_no_compute_host_to_go_to() -> None:
    moves = action("mac-move", target={"name": "h*"})
    assert (names(moves), moves.needs(TOPOLOGY)) == ({f"{host}-eth0" for host in FULL_HOSTS}, "network")
    with pytest.raises(ParameterError, match="is for light ports"):
        plan(action("mac-move", target={"name": "h*"}, to={"name": "h1"}))
    fabric = action("mac-move", target={"between": ["leaf", "spine"]})
    assert fabric.needs(TOPOLOGY) == "network"


def test_no_more_macs_are_away_than_the_maps_have_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"target": {"name": "v1*"}, "rate": 100, "duration": 4.0}
    monkeypatch.setattr(mac_move, "MOST_AWAY", 9)
    plan(action("mac-move", away=0.08, **keys))
    with pytest.raises(ParameterError, match="20 light ports would be away at once, 9 at most; write a sho"):
        plan(action("mac-move", away=3.0, **keys))


@pytest.mark.parametrize("count", [3, 50, 10_000])
def test_probes_stay_within_a_vpc(count: int) -> None:
    (spec,) = resolve([Probe(probe="ping", pairs=count)], Placed(), 1)
    pairs = [(TOPOLOGY.names[pair.source], TOPOLOGY.names[pair.target]) for pair in spec.pairs]
    assert len(set(pairs)) == len(pairs) == min(count, 2 * 20 * 19 + 4 * 3)
    assert all(vpc(a) == vpc(b) and a != b for a, b in pairs)
    if count > 3:
        assert {vpc(a) for a, _ in pairs} == {"v1", "v2", ""}


def test_probes_between_vpcs_are_refused() -> None:
    keys = {"source": TargetKeys(name="v1*"), "target": TargetKeys(name="v2*")}
    with pytest.raises(ParameterError, match="other VPCs"):
        resolve([Probe(probe="ping", **keys)], Placed(), 1)


def test_flows_stay_within_a_vpc() -> None:
    targets = plan(action_named("traffic")(action="traffic", flows=100)).targets
    ends = [target_name(TOPOLOGY, target).split(" -> ") for target in targets]
    assert all(vpc(a) == vpc(b) and a != b for a, b in ends)
    assert {vpc(a) for a, _ in ends} == {"v1", "v2", ""}
    with pytest.raises(ParameterError, match="other VPCs"):
        plan(
            action_named("traffic")(
                action="traffic", source=TargetKeys(name="v1*"), target=TargetKeys(name="v2*")
            )
        )


class Ports:
    """Light ports of which node 5 moves."""

    def __init__(self) -> None:
        self.places = {5: 7}
        self.opened: list[int] = []
        self.closed = False

    def where(self, node: int) -> int:
        return self.places[node]

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        self.opened.append(node)
        return socket.socket(family, kind, protocol)

    def close(self) -> None:
        self.closed = True


class Nodes:
    def __init__(self, ports: Ports | None) -> None:
        self.ports = ports
        self.opened: list[int] = []

    def light_ports(self) -> Ports | None:
        return self.ports

    def identity(self, node: int) -> str:
        return "127.0.0.5" if node == 5 else ""

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        self.opened.append(node)
        return socket.socket(family, kind, protocol)


def test_sockets_of_light_ports_are_opened_where_they_are() -> None:
    ports = Ports()
    nodes = Nodes(ports)
    opener = Opener(nodes, 9)  # type: ignore[arg-type]
    for node in (5, 6):
        sock = opener.open(node, socket.AF_INET, socket.SOCK_DGRAM)
        assert sock is not None
        with sock:
            assert bound(sock, opener.identity(node))
            assert sock.getsockname()[0] == ("127.0.0.5" if node == 5 else "0.0.0.0")  # noqa: S104
    assert (ports.opened, nodes.opened) == ([5], [6])
    assert (opener.where(5), opener.where(6)) == (7, 0)
    opener.close()
    assert ports.closed


def test_without_light_ports_all_sockets_are_those_of_nodes() -> None:
    nodes = Nodes(None)
    opener = Opener(nodes, 9)  # type: ignore[arg-type]
    sock = opener.open(5, socket.AF_INET, socket.SOCK_STREAM)
    assert sock is not None
    sock.close()
    assert (nodes.opened, opener.where(5)) == ([5], 0)
    opener.close()


def test_a_socket_that_cant_be_bound_is_closed() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert bound(sock, "")
        assert not bound(sock, "192.0.2.1", 1)
        assert sock.fileno() == -1


def test_ports_migrate_to_other_hosts_of_their_space_and_back() -> None:
    found = plan(action("migration", target={"name": "v1*"}, to={"name": "h[12]"}, away=0.5))
    home = dict(zip(range(TOPOLOGY.full.node_count, TOPOLOGY.node_count), TOPOLOGY.light_hosts, strict=True))
    moves = {found.targets[k] for k in found.target[found.verb == 0].tolist()}
    back = {found.targets[k] for k in found.target[found.verb == 1].tolist()}
    assert {TOPOLOGY.names[move.port] for move in moves} == {"h1", "h2"}
    assert all(move.port != home[move.number] for move in moves)
    assert {(one.number, home[one.number]) for one in moves} == {(one.number, one.port) for one in back}
    assert target_name(TOPOLOGY, min(back)) == f"v1s1p1 -> {TOPOLOGY.names[min(back).port]}"
    pairs = found.at.reshape(2, -1)
    assert set((pairs[1] - pairs[0]).tolist()) <= {500_000, *range(500_000)}


def test_ports_dont_migrate_to_hosts_without_their_addresses() -> None:
    text = "name: o\ntopology: {generator: vpc, vpcs: 3, ports: 2, hosts: 5, overlap: true}\n"
    shared = build(load_text(text))
    first, names = shared.full.node_count, shared.names
    carried = {(vpc(names[first + row]), host) for row, host in enumerate(shared.light_hosts.tolist())}
    assert 3 < len(carried) < 15  # not every host carries every VPC
    found = action("migration").plan(PlanContext(shared, "m", ("steps", 0), 4.0, 1))
    assert {(vpc(names[target.number]), target.port) for target in found.targets} <= carried


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("migration", {"target": {"name": "h*"}}, "no light port"),
        ("link-impair", {"target": {"name": "v*"}, "shape": {"bandwidth": 1e6}}, "links of light ports only"),
        ("migration", {"to": {"name": "spine*"}}, "no other compute host"),
        ("vpc-churn", {"target": {"name": "w*"}}, "no VPC with light ports matches; they go from v1 to v2"),
        ("vpc-churn", {"target": {"kind": "host"}}, "`kind` is of nodes"),
        ("vpc-growth", {"rate": None, "target": {"name": "v*"}}, "matches 2 VPCs; one step grows one"),
        ("vpc-churn", {"target": {"count": 3}}, "only 2 VPCs match"),
    ],
)
def test_what_light_ports_can_not_do_is_refused(name: str, keys: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        plan(action(name, **keys))


@pytest.mark.parametrize("name", ["migration", "vpc-churn"])
def test_networks_without_light_ports_are_refused(name: str) -> None:
    tree = build(load_text("name: t\ntopology: {generator: tree, depth: 1, fanout: 2}\n"))
    with pytest.raises(ParameterError, match="no light ports"):
        action(name).plan(PlanContext(tree, name, ("steps", 0), 4.0, 1))


class Watched(DryRunSession):
    """Counts what it is asked to do at once."""

    calls: Counter[str]

    def set_ports(self, nodes: Any, *, up: bool) -> None:
        self.calls[f"set_ports {up} {len(nodes)}"] += 1
        super().set_ports(nodes, up=up)

    def remove_ports(self, nodes: Any) -> None:
        self.calls[f"remove_ports {len(nodes)}"] += 1
        super().remove_ports(nodes)

    def add_ports(self, nodes: Any) -> None:
        self.calls[f"add_ports {len(nodes)}"] += 1
        super().add_ports(nodes)

    def remove_links(self, links: Any) -> None:
        self.calls[f"remove_links {len(links)}"] += 1
        super().remove_links(links)

    def add_links(self, links: Any) -> None:
        self.calls[f"add_links {len(links)}"] += 1
        super().add_links(links)

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        self.calls["set_port"] += 1
        super().set_port(node, port, up=up)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DryRunNetwork:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    return DryRunEngine().deploy(make_plan(TOPOLOGY, "dry-run"))


def scheduled(steps: str) -> tuple[Any, Schedule]:
    document = load_scenario(f"name: x\nsteps:\n{steps}")
    return document, planned(document, TOPOLOGY, 1, document.steps())


def ran(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch, steps: str
) -> tuple[RunResult, Counter[str]]:
    calls: Counter[str] = Counter()

    def session() -> Watched:
        made = Watched(network.topology, network.removed)
        made.calls = calls
        return made

    monkeypatch.setattr(network, "session", session)
    document, schedule = scheduled(steps)
    result = run(document, schedule, network, seed=1)
    assert not network.removed.links_down()
    assert result.leaks.leaked == []
    assert {outcome.error for outcome in result.outcomes} == {""}
    return result, calls


@pytest.mark.usefixtures("unwatched")
def test_operations_on_light_ports_that_are_due_together_are_done_at_once(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn = "churn: {percent: 100 %, delay: 10 s}, duration: 200 ms"
    steps = f"  - {{action: port-flap, target: {{name: '[hv]*'}}, down: 50 ms, {churn}}}\n"
    result, calls = ran(network, monkeypatch, steps)
    assert len(result.outcomes) == 2 * 44
    assert not result.outcomes.skipped.any()
    assert sum(count * int(call.split()[-1]) for call, count in calls.items() if "True" in call) > 20
    assert calls["set_port"] >= 8  # the uplinks of compute hosts are full nodes' ports
    for outcome in result.outcomes:
        assert outcome.operation.at <= outcome.started <= outcome.finished


@pytest.mark.usefixtures("unwatched")
def test_removals_of_light_ports_that_are_due_together_are_done_at_once(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn = "churn: {percent: 100 %, delay: 10 s}, duration: 200 ms"
    steps = f"  - {{action: port-churn, target: {{name: 'v*'}}, away: 50 ms, {churn}}}\n"
    result, calls = ran(network, monkeypatch, steps)
    assert len(result.outcomes) == 2 * 40
    assert not result.outcomes.skipped.any()
    for verb in ("remove_links", "add_links"):
        counts = {int(call.split()[1]): count for call, count in calls.items() if call.startswith(verb)}
        assert sum(size * count for size, count in counts.items()) > 30
        assert max(counts) > 10


@pytest.mark.usefixtures("unwatched")
def test_links_of_removed_light_nodes_are_skipped_and_all_are_restored(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn = "churn: {percent: 100 %, delay: 10 s}, duration: 300 ms"
    steps = f"""\
  - parallel:
    - {{action: vpc-churn, target: v1, away: 200 ms, rate: 1, duration: 300 ms}}
    - {{action: port-churn, start: 10 ms, target: {{name: 'v*'}}, away: 20 ms, {churn}}}
"""
    result, _ = ran(network, monkeypatch, steps)
    assert result.outcomes.skipped.sum() >= 2 * 20  # v1's links, away and back
    with network.session() as session:
        links = np.arange(TOPOLOGY.full.link_count, TOPOLOGY.link_count)
        session.remove_links(links)
        assert network.removed.links_down() == set(links.tolist())
        assert len(session.restore()) == len(links)
    assert not network.removed.links_down()


@pytest.mark.usefixtures("unwatched")
def test_what_has_nothing_to_do_in_a_batch_is_skipped_alone(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn = "churn: {percent: 100 %, delay: 10 s}, duration: 300 ms"
    steps = f"""\
  - parallel:
    - {{action: vpc-churn, target: v1, away: 200 ms, rate: 1, duration: 300 ms}}
    - {{action: port-flap, start: 10 ms, target: {{name: 'v*'}}, down: 50 ms, {churn}}}
    - {{action: node-churn, start: 20 ms, target: {{name: 'v*'}}, away: 20 ms, {churn}}}
"""
    result, calls = ran(network, monkeypatch, steps)
    reasons = Counter((one.operation.action, one.skipped) for one in result.outcomes if one.skipped)
    assert reasons["port-flap", "a node of the link is removed"] == 20
    assert reasons["node-churn", "the node is removed already"] == 20
    assert reasons["vpc-churn", "the node is there"] == 1  # node-churn has added them all
    assert (calls["remove_ports 20"], calls["add_ports 40"]) == (2, 1)
    assert calls["set_ports False 20"] == 1


@pytest.mark.usefixtures("unwatched")
def test_moved_ports_are_home_after_the_run(network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: Counter[bool] = Counter()
    move = DryRunSession.move_port

    def counted(self: DryRunSession, node: int, host: int) -> None:
        moved[host == network.removed.home(node)] += 1
        move(self, node, host)

    monkeypatch.setattr(DryRunSession, "move_port", counted)
    ran(network, monkeypatch, "  - {action: migration, rate: 200, away: 20 ms, duration: 300 ms}\n")
    assert moved[False] == moved[True] == 60
    assert not network.removed.moved


def test_what_light_ports_do_is_quick_and_has_one_worker() -> None:
    steps = """\
  - parallel:
    - {action: migration, rate: 50, duration: 1 s}
    - {action: vpc-churn, rate: 5, duration: 1 s}
    - {action: port-flap, target: {name: 'v*'}, rate: 50, duration: 1 s}
    - {action: node-churn, target: {name: 'v*'}, rate: 50, duration: 1 s}
    - {action: port-churn, target: {name: 'v*'}, rate: 50, duration: 1 s}
"""
    _, schedule = scheduled(steps)
    (only,) = shares(schedule, np.arange(len(schedule)))
    assert len(only.numbers) == len(schedule)


def test_a_compute_host_and_the_ports_that_come_to_it_have_one_worker() -> None:
    steps = """\
  - parallel:
    - {action: migration, target: {name: v1s1p1}, to: h2, rate: 5, duration: 1 s}
    - {action: node-churn, target: {name: 'h*'}, rate: 8, duration: 1 s}
"""
    _, schedule = scheduled(steps)
    h2 = TOPOLOGY.names.index("h2")
    of_move = [k for k, one in enumerate(schedule.targets) if one.kind == "move" and one.port == h2]
    of_host = [k for k, one in enumerate(schedule.targets) if one.kind == "node" and one.number == h2]
    both = np.flatnonzero(np.isin(schedule.target, [*of_move, *of_host]))
    found = shares(schedule, np.arange(len(schedule)))
    assert [bool(np.isin(both, one.numbers).all()) for one in found].count(True) == 1


GROWTH = "target: v1, ports: 8, interval: 20 ms, duration: 300 ms"


@pytest.mark.usefixtures("unwatched")
def test_a_vpc_grows_until_it_has_all_ports(network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    result, calls = ran(network, monkeypatch, f"  - {{action: vpc-growth, {GROWTH}}}\n")
    assert [outcome.operation.verb for outcome in result.outcomes] == ["grow", "grow", "grow", "fill"]
    (grown,) = result.ramps
    assert [size["hosts"] for size in grown["sizes"]] == [8, 16, 20]
    assert (grown["last_good"], grown["stopped_by"]) == (20, "")
    assert calls["remove_ports 12"] == calls["add_ports 8"] == calls["add_ports 4"] == 1


@pytest.mark.usefixtures("unwatched")
def test_a_growth_that_is_too_slow_stops_and_fills_up(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, calls = ran(network, monkeypatch, f"  - {{action: vpc-growth, slowest: 0 s, {GROWTH}}}\n")
    (grown,) = result.ramps
    assert (grown["sizes"], grown["last_good"]) == ([], 0)
    assert "more than 0 s" in grown["stopped_by"]
    assert calls["remove_ports 12"] == calls["add_ports 12"] == 1
