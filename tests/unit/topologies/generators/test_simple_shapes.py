"""single, linear, ring, star, mesh, tree: small enough to draw on paper."""

from __future__ import annotations

import pytest
from support.topologies import edges, make, refused


def test_single() -> None:
    topology = make("single", hosts=3)
    assert list(topology.names) == ["s1", "h1", "h2", "h3"]
    assert edges(topology) == {"h1-s1", "h2-s1", "h3-s1"}


def test_linear() -> None:
    topology = make("linear", k=3, hosts_per_switch=2)
    assert edges(topology) == {
        "s1-s2", "s2-s3", "h1-s1", "h2-s1", "h3-s2", "h4-s2", "h5-s3", "h6-s3",
    }  # fmt: skip


def test_linear_gives_hosts_the_first_ports() -> None:
    topology = make("linear", k=2, hosts_per_switch=2)
    s1 = topology.names.find("s1")
    ports = {
        topology.names[int(topology.ends[link, 1 - end])]: port for link, end, port in topology.incident(s1)
    }
    assert ports == {"h1": 1, "h2": 2, "s2": 3}


def test_ring() -> None:
    assert edges(make("ring", k=4, hosts_per_switch=0)) == {"s1-s2", "s2-s3", "s3-s4", "s1-s4"}


def test_ring_of_two_is_refused() -> None:
    assert "3" in refused("ring", k=2)["k"]


def test_star() -> None:
    topology = make("star", k=3)
    assert edges(topology) == {"s1-s2", "s1-s3", "s1-s4", "h1-s2", "h2-s3", "h3-s4"}
    assert topology.tier_names == ("core", "edge", "host")
    assert topology.groups.tolist() == [-1, 0, 1, 2, 0, 1, 2]


def test_mesh() -> None:
    assert edges(make("mesh", k=4, hosts_per_switch=0)) == {
        "s1-s2", "s1-s3", "s1-s4", "s2-s3", "s2-s4", "s3-s4",
    }  # fmt: skip


def test_tree() -> None:
    topology = make("tree", depth=2, fanout=2)
    assert edges(topology) == {"s1-s2", "s1-s3", "h1-s2", "h2-s2", "h3-s3", "h4-s3"}
    assert topology.groups.tolist() == [0, 0, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(("depth", "fanout", "hosts", "switches"), [(2, 32, 1024, 33), (3, 1, 1, 3)])
def test_tree_counts(depth: int, fanout: int, hosts: int, switches: int) -> None:
    assert make("tree", depth=depth, fanout=fanout).kind_counts() == {"host": hosts, "switch": switches}
