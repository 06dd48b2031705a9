"""Expected reachability, and the check on the dry-run engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from support.topologies import switch_networks

from emulator.access import Echo
from emulator.checks.components import components
from emulator.checks.reachability import Reachability, check_reachability, choose_pairs
from emulator.engines.dry_run import DryRunAccess, DryRunEngine, DryRunNetwork
from emulator.errors import UsageError
from emulator.network import LinkState
from emulator.plan import make_plan
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text
from topologies.topology import Topology


def topology_of(text: str) -> Topology:
    return build(load_text("name: t\ntopology: " + text))


@pytest.fixture
def fat_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DryRunNetwork:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    return DryRunEngine().deploy(make_plan(topology_of("{generator: fat-tree, k: 4}"), "dry-run"))


def test_all_pairs_of_a_small_network_are_asked(fat_tree: DryRunNetwork) -> None:
    found = check_reachability(fat_tree)
    assert (found.pairs, found.reachable, found.expected, found.unexpected) == (240, 240, 240, [])


def test_links_down_count(fat_tree: DryRunNetwork) -> None:
    first = int(fat_tree.topology.hosts[0])
    fat_tree.set_link(fat_tree.topology.incident(first)[0].link, LinkState(up=False))
    found = check_reachability(fat_tree)
    assert (found.reachable, found.expected, found.unexpected) == (210, 210, [])


def test_what_differs_is_named(fat_tree: DryRunNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        return [None if echo.target == "10.0.0.2" else 0.0 for echo in echoes]

    monkeypatch.setattr(DryRunAccess, "ping", deaf)
    found = check_reachability(fat_tree)
    assert len(found.unexpected) == 15
    assert found.unexpected[0] == {
        "from": "h1", "to": "h2", "address": "10.0.0.2", "expected": "reachable", "found": "unreachable",
    }  # fmt: skip


def test_a_sample_has_its_size_no_pair_twice_and_both_directions() -> None:
    topology = topology_of("{generator: tree, depth: 2, fanout: 32}")
    hosts = topology.hosts.tolist()
    pairs = choose_pairs(topology, 1000, hosts)
    assert len(pairs) == len(set(pairs)) == 1000
    assert {(b, a) for a, b in pairs} == set(pairs)
    assert all(a != b for a, b in pairs)
    assert pairs == choose_pairs(topology, 1000, hosts)


def test_a_sample_larger_than_all_pairs_is_all_pairs() -> None:
    topology = topology_of("{generator: single, hosts: 3}")
    assert len(choose_pairs(topology, 1000, topology.hosts.tolist())) == 6


def test_a_sample_of_nothing_is_refused(fat_tree: DryRunNetwork) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        check_reachability(fat_tree, 0)


@settings(max_examples=60, deadline=None)
@given(switch_networks())
def test_components_are_those_of_networkx(network: tuple[Topology, npt.NDArray[np.bool_]]) -> None:
    topology, up = network
    labels = components(topology, up)
    graph = topology.to_networkx()
    graph.remove_edges_from([edge for edge in graph.edges(keys=True) if not up[edge[2]]])
    for group in nx.connected_components(graph):
        assert len({int(labels[graph.nodes[name]["index"]]) for name in group}) == 1
    assert len(set(labels.tolist())) == nx.number_connected_components(graph)


def test_a_host_with_two_links_does_not_join_two_networks() -> None:
    topology = topology_of(
        "{nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}},"
        " links: [[h1, s1], [h1, s2], [h2, s2]]}"
    )
    labels = components(topology, np.ones(3, dtype=bool))
    names = topology.names
    assert labels[names.find("h1")] == labels[names.find("s1")]
    assert labels[names.find("h1")] != labels[names.find("h2")]


def test_a_question_asked_too_early_is_asked_once_more(
    fat_tree: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def late(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        asked.append(len(echoes))
        return [None if len(asked) == 1 and echo.target == "10.0.0.2" else 0.0 for echo in echoes]

    monkeypatch.setattr(DryRunAccess, "ping", late)
    assert check_reachability(fat_tree).unexpected == []
    assert asked == [240, 8, 7]


def waits(monkeypatch: pytest.MonkeyPatch, text: str, changes: dict[int, LinkState]) -> list[float]:
    """Return the timeouts of the rounds in which a check asks a network that never answers."""
    timeouts: list[float] = []

    def deaf(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        timeouts.append(timeout)
        return [None] * len(echoes)

    monkeypatch.setattr(DryRunAccess, "ping", deaf)
    network = DryRunEngine().deploy(make_plan(topology_of(text), "dry-run"))
    for link, state in changes.items():
        network.set_link(link, state)
    check_reachability(network)
    return timeouts


def test_delays_are_waited_for_and_lossy_links_asked_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    plain = "{generator: linear, k: 3, hosts_per_switch: 1}"
    assert waits(monkeypatch, plain, {}) == [1.0, 1.0, 2.0]
    slow = plain + "\nlinks: [{delay: 100 ms, jitter: 10 ms}]"
    first, second, _ = waits(monkeypatch, slow, {})
    # there and back over 4 links, for ARP and for the echo
    assert first == second >= 1.0 + 2 * 2 * 4 * 0.11
    assert first <= 1.0 + 2 * 2 * 2 * 4 * 0.11 + 1e-9
    assert len(waits(monkeypatch, plain + "\nswitch: ovs", {})) == 4
    live = waits(monkeypatch, plain, {0: LinkState(backward=Shape(delay=2.0, loss=0.1))})
    asked = waits(monkeypatch, plain + "\nswitch: ovs\nopenflow: {controller: learning}", {})
    assert asked == [3.0, 3.0, 4.0, 5.0]
    assert len(live) == 5
    assert live[0] >= 1.0 + 2 * 2.0


def test_delays_are_waited_for_in_every_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    pairs = "{nodes: {h1: {}, h2: {}, h3: {}, h4: {}}, links: [[h1, h2], [h3, h4, {delay: 1 s}]]}"
    assert waits(monkeypatch, pairs, {})[0] >= 5.0


SLOW = "{generator: linear, k: 3, hosts_per_switch: 1}\nlinks: [{delay: 20 ms}]"


def checked(
    monkeypatch: pytest.MonkeyPatch, text: str, scale: float, extra: float = 0.0, states: Any = ()
) -> Reachability:
    """Check a dry run whose times are scaled, and take some seconds more."""
    real = DryRunAccess.ping

    def ping(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        return [None if one is None else one * scale + extra for one in real(self, echoes, timeout)]

    monkeypatch.setattr(DryRunAccess, "ping", ping)
    monkeypatch.setattr("emulator.checks.late_answers._PAUSE", 0.0)
    network = DryRunEngine().deploy(make_plan(topology_of(text), "dry-run"))
    for link, state in dict(states).items():
        network.set_link(link, state)
    return check_reachability(network)


@pytest.mark.parametrize(("scale", "extra"), [(1.0, 0.0), (1.2, 0.0), (1.0, 0.009)])
def test_round_trips_that_the_delays_make_are_right(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch, scale: float, extra: float
) -> None:
    del state_dir
    found = checked(monkeypatch, SLOW, scale, extra)
    assert (found.round_trips, found.wrong_trips, found.is_right) == (6, [], True)


def test_round_trips_longer_than_the_delays_make_are_named(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del state_dir
    found = checked(monkeypatch, SLOW, 1.0, 30.0)
    assert (found.reachable, found.unexpected, found.is_right) == (6, [], False)
    assert [trip.words for trip in found.wrong_trips[:2]] == [
        "h1 -> h2 (10.0.0.2): round trip 30.1 s, the links' delays make 120 ms",
        "h1 -> h3 (10.0.0.3): round trip 30.2 s, the links' delays make 160 ms",
    ]
    assert found.wrong_trips[0].json == {
        "from": "h1", "to": "h2", "address": "10.0.0.2",
        "expected_seconds": [0.12, 0.12], "found_seconds": 30.12,
    }  # fmt: skip


def test_a_delay_that_is_not_there_is_named(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del state_dir
    assert len(checked(monkeypatch, SLOW, 0.0).wrong_trips) == 6


def test_changes_of_links_count(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del state_dir
    changes = {0: LinkState(forward=Shape(delay=0.5, jitter=0.1), backward=Shape())}
    found = checked(monkeypatch, SLOW, 1.0, 0.5, changes)
    assert {trip.words for trip in found.wrong_trips if trip.source == "h1"} == {
        "h1 -> h2 (10.0.0.2): round trip 980 ms, the links' delays make 480 ms to 680 ms",
        "h1 -> h3 (10.0.0.3): round trip 1.02 s, the links' delays make 520 ms to 720 ms",
    }


def test_without_delays_or_with_a_controller_only_a_second_is_too_long(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del state_dir
    plain = "{generator: linear, k: 3, hosts_per_switch: 1}"
    asked = SLOW + "\nswitch: ovs\nopenflow: {controller: learning}"
    for text in (plain, asked):
        with monkeypatch.context() as patch:
            assert checked(patch, text, 1.0, 0.9).is_right
        with monkeypatch.context() as patch:
            assert len(checked(patch, text, 1.0, 1.1).wrong_trips) == 6


def test_an_answer_that_took_long_once_is_right(
    fat_tree: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def late(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        asked.append(len(echoes))
        return [2.0 if len(asked) == 1 and echo.target == "10.0.0.2" else 0.0 for echo in echoes]

    monkeypatch.setattr(DryRunAccess, "ping", late)
    assert check_reachability(fat_tree).is_right
    assert asked == [240, 15]


def test_the_way_that_packets_take_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    detour = (
        "{nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}},"
        " links: [[h1, s1], [h2, s2], [s1, s2, {delay: 3 s}], [s1, s3], [s3, s2]]}\nforwarding: routed"
    )
    assert waits(monkeypatch, detour, {})[0] == 1.0 + 2 * 2 * 3.0
