"""Placement: hierarchy, METIS, the way without METIS, capacity."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from emulator.engine_options import engine_plan
from emulator.errors import UsageError
from emulator.forecast import node_bytes
from emulator.placement import place as place_module
from emulator.placement.choice import METHODS, STRATEGIES, StrategyRow, choose
from emulator.placement.clusters import attachment, contract
from emulator.placement.line_cuts import SLACK, crossing_links, cut_line
from emulator.placement.place import cut_links, place
from emulator.placement.rebalance import rebalance
from emulator.placement.strategies.hierarchy import is_hierarchical
from emulator.placement.strategies.metis import NO_METIS
from emulator.placement.strategy import Request
from emulator.placement.worker import Worker, capacity, numbered
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology


def topology_of(topology: str, more: str = "") -> Topology:
    return build(load_text(f"name: t\ntopology: {topology}\n{more}"))


def plan_of(topology: str, workers: int, method: str | None = None) -> Plan:
    return make_plan(topology_of(topology), "netns", workers, method=method)


def request_of(topology: Topology, share: list[float]) -> Request:
    return Request(topology, contract(topology, node_bytes(topology)), np.array(share))


def cut_count(plan: Plan) -> int:
    return int(np.count_nonzero(plan.cut))


_ACROSS = [f"[s{x}-{y}, s{x + 1}-{y}]" for x in range(7) for y in range(8)]
_DOWN = [f"[s{x}-{y}, s{x}-{y + 1}]" for x in range(8) for y in range(7)]
_NODES = [f"s{x}-{y}: {{kind: switch}}" for x in range(8) for y in range(8)]
GRID = f"{{nodes: {{{', '.join(_NODES)}}}, links: [{', '.join(_ACROSS + _DOWN)}]}}"


def test_one_worker_gets_everything() -> None:
    plan = plan_of("{generator: fat-tree, k: 4}", 1)
    assert not plan.placement.any()
    assert plan.method == "one worker"


def test_pods_of_a_fat_tree_stay_whole() -> None:
    plan = plan_of("{generator: fat-tree, k: 4}", 4)
    topology = plan.topology
    for pod in range(4):
        names = [f"{letter}{2 * pod + n}" for letter in "ae" for n in (1, 2)]
        names += [f"h{4 * pod + n}" for n in range(1, 5)]
        assert len({int(plan.placement[topology.names.find(name)]) for name in names}) == 1
    # (k/2)^2 cores are linked to each of 4 pods, and are on the worker of one of them
    assert cut_count(plan) == 4 * 3
    assert plan.counts.nodes.tolist() == [9, 9, 9, 9]


def test_pods_of_a_region_stay_whole_although_the_first_has_the_spines() -> None:
    plan = plan_of("{generator: region, zones: 2, pods: 10, racks: 20, hosts: 10, fabrics: 2, spines: 2}", 4)
    topology = plan.topology
    for zone in (1, 2):
        for pod in range(1, 11):
            found = topology.names.match(f"z{zone}p{pod}[rf]*")
            assert len(set(plan.placement[found].tolist())) == 1


def test_a_host_goes_with_its_switch() -> None:
    topology = topology_of("{generator: leaf-spine, spines: 2, leaves: 6, hosts_per_leaf: 5}")
    parent = attachment(topology)
    for host in topology.hosts.tolist():
        assert topology.kinds[parent[host]] == Kind.SWITCH
    assert (parent[topology.kinds == Kind.SWITCH] == np.flatnonzero(topology.kinds == Kind.SWITCH)).all()


def test_a_host_with_several_switches_goes_with_the_first_in_the_file() -> None:
    topology = topology_of(
        "{nodes: {h: {kind: host}, a: {kind: switch}, b: {kind: switch}}, links: [[b, h], [h, a], [a, b]]}"
    )
    names = topology.names
    assert attachment(topology)[names.find("h")] == names.find("b")


def test_clusters_count_parallel_links() -> None:
    topology = topology_of(
        "{nodes: {a: {kind: switch}, b: {kind: switch}, h: {kind: host}}, links: [[a, b], [b, a], [h, b]]}"
    )
    clusters = contract(topology, np.array([10, 20, 3]))
    assert clusters.memory.tolist() == [10, 23]
    assert clusters.nodes.tolist() == [1, 2]
    assert clusters.pairs.tolist() == [[0, 1]]
    assert clusters.links.tolist() == [2]


def test_crossing_counts_the_links_over_each_border() -> None:
    # items 0-1-2-3 in a row, and one link 0-3
    assert crossing_links(np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3]), 4).tolist() == [0, 2, 2, 2, 0]


def test_a_cut_goes_where_few_links_cross_within_the_slack() -> None:
    weights = np.full(100, 10)
    crossings = np.full(101, 9)
    crossings[52] = 1
    runs = cut_line(weights, crossings, np.array([0.5, 0.5]))
    assert np.bincount(runs).tolist() == [52, 48]
    crossings[40] = 0  # cheaper still, but out of balance
    assert np.bincount(cut_line(weights, crossings, np.array([0.5, 0.5]))).tolist() == [52, 48]


def test_a_cut_follows_the_shares() -> None:
    runs = cut_line(np.ones(100, dtype=np.int64), np.zeros(101, dtype=np.int64), np.array([0.2, 0.3, 0.5]))
    sizes = np.bincount(runs)
    assert np.abs(sizes - [20, 30, 50]).max() <= 2 * SLACK * 50


def test_as_many_items_as_runs_get_one_each() -> None:
    runs = cut_line(np.ones(7, dtype=np.int64), np.zeros(8, dtype=np.int64), np.full(7, 1 / 7))
    assert runs.tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{generator: fat-tree, k: 4}", True),
        ("{generator: leaf-spine}", True),
        ("{generator: region}", True),
        ("{generator: tree, depth: 3}", True),
        ("{generator: jellyfish}", False),
        ("{generator: ring, k: 8}", False),
        (GRID, False),
    ],
)
def test_which_topologies_have_a_hierarchy(text: str, expected: bool) -> None:
    assert is_hierarchical(topology_of(text)) is expected


def test_a_grid_without_groups_goes_to_metis_and_is_cut_like_a_grid() -> None:
    plan = plan_of(GRID, 4)
    assert plan.method == "metis"
    assert cut_count(plan) <= 20  # 16 is the best: two straight cuts of 8
    assert plan.counts.nodes.max() <= 18


def test_without_metis_a_grid_is_still_cut_well_and_people_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymetis", None)
    plan = plan_of(GRID, 4)
    assert plan.method == "greedy"
    assert plan.warnings == (NO_METIS,)
    assert f"`{sys.executable} -m pip install pymetis`" in NO_METIS
    assert cut_count(plan) <= 30
    assert cut_count(plan) < cut_count(plan_of(GRID, 4, "spread")) / 2


def test_metis_is_the_same_each_time_and_follows_the_shares() -> None:
    topology = topology_of("{generator: jellyfish, switches: 60, ports: 6, degree: 4}")
    request = request_of(topology, [0.5, 0.25, 0.25])
    first = STRATEGIES["metis"].strategy(request)
    assert (first == STRATEGIES["metis"].strategy(request)).all()
    load = np.bincount(first, weights=request.clusters.memory) / request.clusters.memory.sum()
    assert np.abs(load - request.share).max() < 0.1


def test_the_greedy_way_takes_graphs_in_pieces() -> None:
    topology = topology_of("{nodes: {a: {kind: switch}, b: {kind: switch}, c: {kind: host}}, links: []}")
    assert sorted(STRATEGIES["greedy"].strategy(request_of(topology, [1 / 3] * 3)).tolist()) == [0, 1, 2]


def test_shares_follow_stated_memory_then_stated_nodes_then_nothing() -> None:
    by_memory = capacity([Worker("a", 3 << 20, 1), Worker("b", 1 << 20, 9)])
    assert by_memory.share.tolist() == [0.75, 0.25]
    by_nodes = capacity([Worker("a", None, 1), Worker("b", 1 << 20, 3)])
    assert by_nodes.share.tolist() == [0.25, 0.75]
    assert capacity(numbered(4)).share.tolist() == [0.25] * 4


def test_larger_workers_get_more() -> None:
    topology = topology_of("{generator: tree, depth: 2, fanout: 16}")
    plan = make_plan(topology, "netns", [Worker("big", 300 << 20), Worker("small", 100 << 20)])
    assert not plan.refusals()
    assert 2.0 < plan.counts.nodes[0] / plan.counts.nodes[1] < 4.0


def test_a_host_leaves_its_switch_only_where_it_must() -> None:
    topology = topology_of("{generator: single, hosts: 40}")
    whole = make_plan(topology, "netns", [Worker("a", nodes=100), Worker("b", nodes=100)])
    assert cut_count(whole) == 0
    spread = make_plan(topology, "netns", [Worker("a", nodes=25), Worker("b", nodes=25)])
    assert not spread.refusals()
    assert spread.counts.nodes.max() <= 25


def test_clusters_move_to_where_they_have_links() -> None:
    # a row of six switches, all put on the first of three workers; each holds two
    topology = topology_of("{generator: linear, k: 6, hosts_per_switch: 0}")
    memory = np.ones(6, dtype=np.int64)
    clusters = contract(topology, memory)
    workers = [Worker("a", 2), Worker("b", 2), Worker("c", 2)]
    placed = rebalance(
        np.zeros(6, dtype=np.int64), clusters, memory, np.arange(len(memory)), capacity(workers)
    )
    assert np.bincount(placed).tolist() == [2, 2, 2]
    assert placed[0] == placed[1] == 0


def test_what_is_too_large_for_all_stays_and_is_counted() -> None:
    topology = topology_of("{generator: linear, k: 4, hosts_per_switch: 0}")
    memory = np.ones(4, dtype=np.int64)
    clusters = contract(topology, memory)
    start = np.array([0, 0, 1, 1])
    assert rebalance(
        start, clusters, memory, np.arange(len(memory)), capacity([Worker("a", 1), Worker("b", 1)])
    ).tolist() == [
        0,
        0,
        1,
        1,
    ]


def test_a_worker_without_memory_gets_nothing() -> None:
    topology = topology_of("{generator: fat-tree, k: 4}")
    workers = [Worker("a", 1 << 30), Worker("b", 0), Worker("c", 1 << 30)]
    plan = make_plan(topology, "netns", workers)
    assert plan.counts.nodes[1] == 0
    assert not plan.refusals()


def test_more_workers_than_nodes_leaves_some_idle() -> None:
    plan = plan_of("{generator: single, hosts: 2}", 9)
    assert plan.counts.nodes.sum() == 3


@pytest.mark.parametrize("method", METHODS)
def test_the_method_can_be_given(method: str) -> None:
    topology = topology_of("{generator: fat-tree, k: 4}")
    assert place(topology, "netns", numbered(3), method).method == method


def test_greedy_is_no_method_that_users_ask_for() -> None:
    assert METHODS == ("hierarchy", "metis", "spread")


@pytest.mark.parametrize("candidate", [True, False])
def test_a_row_of_the_table_is_all_that_a_strategy_needs(
    monkeypatch: pytest.MonkeyPatch, *, candidate: bool
) -> None:
    # four switches in a row: no strategy cuts fewer links than one, and the first of the table wins
    request = request_of(topology_of("{generator: linear, k: 4, hosts_per_switch: 0}"), [0.5, 0.5])
    halves = StrategyRow(lambda _: np.array([0, 0, 1, 1]), lambda _: candidate)
    monkeypatch.setattr("emulator.placement.choice.STRATEGIES", {"halves": halves, **STRATEGIES})
    assert choose(request, "halves").worker.tolist() == [0, 0, 1, 1]
    assert (choose(request, None).method == "halves") == candidate


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_gives_each_cluster_a_worker_and_each_worker_about_its_share(strategy: str) -> None:
    request = request_of(topology_of("{generator: fat-tree, k: 6}"), [0.5, 0.3, 0.2])
    worker = STRATEGIES[strategy].strategy(request)
    assert worker.shape == (request.clusters.count,)
    load = np.bincount(worker, weights=request.clusters.memory, minlength=3) / request.clusters.memory.sum()
    assert np.abs(load - request.share).max() < 0.15


def test_tunnels_that_make_a_worker_overfull_are_placed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # 1.06 times a third of the memory without tunnels: too little for a placement that counts no tunnels
    topology = topology_of("{generator: leaf-spine, spines: 3, leaves: 8, hosts_per_leaf: 4}")
    workers = numbered(3, int(node_bytes(topology).sum() // 3 * 1.06))
    assert make_plan(topology, "netns", workers).refusals() == []
    monkeypatch.setattr(place_module, "_ROUNDS", 1)
    assert make_plan(topology, "netns", workers).refusals() != []


def test_a_placement_counts_its_own_tunnels() -> None:
    topology = topology_of("{generator: ring, k: 8}")
    placement = place(topology, "netns", numbered(2), "spread")
    slow = [placement.worker[a] != placement.worker[b] for a, b in topology.ends.tolist()]
    assert cut_links(topology, placement.worker).tolist() == slow


def test_hosts_of_vpcs_are_placed_with_their_compute_hosts() -> None:
    text = (
        "name: t\nvpcs: {blue: 10.1.0.0/16}\ntopology:\n"
        "  nodes: {s1: {kind: switch}, s2: {kind: switch}, c1: {}, c2: {}, m1: {vpc: blue},\n"
        "          m2: {vpc: blue}, p1: {fidelity: light, vpc: blue}, p2: {fidelity: light, vpc: blue}}\n"
        "  links: [[s1, s2], [c1, s1], [c2, s2], [p1, c1], [m2, c2], [p2, c2], [m1, c1]]\n"
    )
    topology = build(load_text(text))
    names = list(topology.names)
    assert names[-4:] == ["m1", "m2", "p1", "p2"]
    parents = [names[node] for node in attachment(topology).tolist()]
    assert parents == ["s1", "s2", "s1", "s2", "s1", "s2", "s1", "s2"]


@pytest.mark.parametrize("members", ["light", "full"])
def test_no_host_of_a_vpc_is_parted_from_its_compute_host(members: str) -> None:
    text = (
        "name: t\nengine: cluster\nvpcs: {blue: 10.1.0.0/16}\ntopology:\n  nodes:\n    s1: {kind: switch}\n"
        + "".join(f"    c{c}: {{}}\n" for c in range(4))
        + "".join(f"    p{p}: {{fidelity: {members}, vpc: blue}}\n" for p in range(40))
        + "  links:\n" + "".join(f"    - [c{c}, s1]\n" for c in range(4))
        + "".join(f"    - [p{p}, c{p % 4}]\n" for p in range(40))
    )  # fmt: skip
    topology = build(load_text(text))
    # a switch with its compute hosts and their ports is too large for any of the workers
    worker = place(topology, "cluster", [Worker(name, nodes=24) for name in "ab"]).worker
    first = topology.underlay.node_count
    assert (worker[first:] == worker[topology.compute_hosts]).all()
    assert sorted(np.bincount(worker).tolist()) == [22, 23]

    pinned = load_text(text + "placement:\n  - {match: {name: 'c[01]'}, worker: b}\n")
    plan = engine_plan(pinned, topology, "cluster", [Worker("a"), Worker("b")])
    where = dict(zip(topology.names, plan.placement.tolist(), strict=True))
    assert {where[name] for name in ("c0", "c1", "p0", "p1", "p37")} == {1}
    assert (plan.placement[first:] == plan.placement[topology.compute_hosts]).all()
    apart = load_text(
        text + "placement:\n  - {match: {name: c1}, worker: b}\n  - {match: {name: p1}, worker: a}\n"
    )
    with pytest.raises(UsageError, match="places p1 on a, and its compute host c1 is on b; place c1 instead"):
        engine_plan(apart, topology, "cluster", [Worker("a"), Worker("b")])
