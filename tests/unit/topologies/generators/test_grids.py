"""torus and hypercube."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from support.topologies import edges, make, refused

from topologies.topology import Topology


def graph_of(topology: Topology) -> nx.Graph[str]:
    return nx.Graph(topology.to_networkx())


def test_torus_of_two_dimensions_is_the_product_of_two_cycles() -> None:
    ours = graph_of(make("torus", dims=[3, 5], hosts_per_switch=0))
    assert nx.is_isomorphic(ours, nx.cartesian_product(nx.cycle_graph(3), nx.cycle_graph(5)))


def test_torus_of_three_dimensions() -> None:
    topology = make("torus", dims=[3, 3, 3], hosts_per_switch=0)
    assert set(topology.degrees.tolist()) == {6}
    assert {e for e in edges(topology) if "s1" in e.split("-")} == {
        "s1-s2", "s1-s3", "s1-s4", "s1-s7", "s1-s10", "s1-s19",
    }  # fmt: skip


def test_torus_groups_are_compact() -> None:
    """The first quarter of the groups of a 16 x 16 torus is a square of 8 x 8, not four rows."""
    topology = make("torus", dims=[16, 16], hosts_per_switch=0)
    rows, columns = np.unravel_index(np.flatnonzero(topology.groups < 64), (16, 16))
    assert (np.ptp(rows), np.ptp(columns)) == (7, 7)


@pytest.mark.parametrize("dims", [[3], [3, 3, 3, 3]])
def test_torus_has_two_or_three_dimensions(dims: list[int]) -> None:
    assert "2 or 3 dimensions" in refused("torus", dims=dims)["dims"]


def test_torus_of_rows_of_two_is_refused() -> None:
    assert refused("torus", dims=[4, 2]) == {
        "dims[1]": "must be at least 3, got 2: the wrap-around of a shorter row would double its links; "
        "for rows of 2 use `generator: hypercube`"
    }


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_hypercube(dimension: int) -> None:
    ours = graph_of(make("hypercube", dimension=dimension, hosts_per_switch=0))
    assert nx.is_isomorphic(ours, nx.hypercube_graph(dimension))
    assert nx.diameter(ours) == dimension


def test_hypercube_links_differ_in_one_bit() -> None:
    topology = make("hypercube", dimension=4, hosts_per_switch=0)
    differences = np.bitwise_xor(topology.ends[:, 0], topology.ends[:, 1]).tolist()
    assert set(differences) == {1, 2, 4, 8}
