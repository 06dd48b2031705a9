"""Times along deep trees against networkx, and what a packet takes to cross a link."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from emulator.checks.crossing_times import crossing_times
from emulator.checks.path_times import AnyPathTimes, EqualPathTimes, ForestTimes, SearchedTimes
from emulator.network import LinkState
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

COUNT = 300


def ends_of(graph: nx.Graph[int]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array(list(graph.edges), dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize("kind", [ForestTimes, EqualPathTimes, AnyPathTimes])
@pytest.mark.parametrize("shape", ["chain", "random", "star", "two"])
def test_times_in_a_tree_are_sums_along_its_paths(
    shape: str, kind: type[ForestTimes | SearchedTimes]
) -> None:
    graph: nx.Graph[int] = {
        "chain": lambda: nx.path_graph(COUNT),
        "random": lambda: nx.random_labeled_tree(COUNT, seed=3),
        "star": lambda: nx.star_graph(COUNT - 1),
        "two": lambda: nx.disjoint_union(nx.path_graph(COUNT // 2), nx.path_graph(COUNT // 2)),
    }[shape]()
    ends = ends_of(graph)
    draws = np.random.default_rng(7)
    times = draws.integers(1, 1000, (len(ends), 2, 3)) / 1000
    first, last = draws.integers(0, COUNT, (2, 400))
    found = kind(ends, times, COUNT).between(first, last)
    cost = {tuple(way): times[link, end] for link, edge in enumerate(ends.tolist())
            for end, way in enumerate((edge, edge[::-1]))}  # fmt: skip
    for a, b, seconds in zip(first.tolist(), last.tolist(), found, strict=True):
        if not nx.has_path(graph, a, b):
            assert seconds.tolist() == [0.0, np.inf, 0.0]
            continue
        path = nx.shortest_path(graph, a, b)
        expected = sum((cost[way] for way in nx.utils.pairwise(path)), start=np.zeros(3))
        if kind is AnyPathTimes:
            assert seconds[0] == pytest.approx(expected[0])
            assert (seconds >= expected - 1e-9).all()
        else:
            assert seconds == pytest.approx(expected)


def test_a_crossing_takes_the_delay_and_has_room_for_jitter_and_bandwidth() -> None:
    topology = build(load_text(
        "name: t\ntopology: {generator: linear, k: 2, hosts_per_switch: 1}\n"
        "links: [{delay: 10 ms, jitter: 2 ms, bandwidth: 1 Mbit}]"
    ))  # fmt: skip
    changes = {0: LinkState(forward=Shape(delay=0.001, jitter=0.002), backward=Shape(delay=1.0, reorder=0.1))}
    found = crossing_times(topology, changes)
    assert found[0] == pytest.approx(np.array([[0.0, 0.003, 0.0001], [0.0, 1.0, 0.0001]]))
    assert found[1] == pytest.approx(np.array([[0.008, 0.012, 0.0121]] * 2))
