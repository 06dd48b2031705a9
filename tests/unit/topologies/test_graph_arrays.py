"""Distances and components on arrays are those that networkx finds."""

from __future__ import annotations

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from topologies.graph_arrays import Adjacency, both_ways, components, distances

VERTICES = 12
edges = st.lists(st.tuples(st.integers(0, VERTICES - 1), st.integers(0, VERTICES - 1)), max_size=24)


def array(pairs: list[tuple[int, int]]) -> npt.NDArray[np.int64]:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def graph_of(pairs: list[tuple[int, int]]) -> nx.Graph:
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(VERTICES))
    return graph


@given(edges, st.sets(st.integers(0, VERTICES - 1)))
def test_distances(pairs: list[tuple[int, int]], sources: set[int]) -> None:
    found = distances(
        Adjacency(*both_ways(array(pairs)), VERTICES), np.array(sorted(sources), dtype=np.int64)
    )
    wanted = nx.multi_source_dijkstra_path_length(graph_of(pairs), sources) if sources else {}
    assert found.tolist() == [wanted.get(vertex, -1) for vertex in range(VERTICES)]


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=60))
def test_components(count: int, pairs: list[tuple[int, int]]) -> None:
    ends = array([(a % count, b % count) for a, b in pairs])
    graph = nx.Graph(ends.tolist())
    graph.add_nodes_from(range(count))
    expected = np.empty(count, dtype=np.int64)
    for part in nx.connected_components(graph):
        expected[list(part)] = min(part)
    np.testing.assert_array_equal(components(ends[:, 0], ends[:, 1], count), expected)


def test_components_of_a_random_graph() -> None:
    graph = nx.gnp_random_graph(400, 0.002, seed=3)
    ends = array(list(graph.edges))
    expected = {node: min(part) for part in nx.connected_components(graph) for node in part}
    assert components(ends[:, 0], ends[:, 1], 400).tolist() == [expected[node] for node in range(400)]


def test_a_long_path_in_random_order_is_one_component() -> None:
    random = np.random.default_rng(1)
    path, edge = random.permutation(5000), random.permutation(4999)
    assert not components(path[edge], path[edge + 1], 5000).any()


def test_edges_that_leave_come_vertex_by_vertex() -> None:
    graph = Adjacency(np.array([0, 1, 0, 2]), np.array([1, 2, 2, 0]), 3)
    assert graph.leaving(np.array([2, 0])).tolist() == [3, 0, 2]
