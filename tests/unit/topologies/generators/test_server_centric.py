"""bcube and dcell: hosts that relay."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from support.topologies import edges, make

from topologies.topology import Kind


def test_bcube_1_of_figure_1() -> None:
    """BCube_1, n = 4: <0,0> is in switch <1,0> with servers 00, 10, 20, 30."""
    topology = make("bcube", n=4, k=1)
    assert topology.kind_counts() == {"host": 16, "switch": 8}
    found = edges(topology)
    assert {e for e in found if e.endswith("-s1")} == {"h1-s1", "h2-s1", "h3-s1", "h4-s1"}
    assert {e for e in found if e.endswith("-s5")} == {"h1-s5", "h5-s5", "h9-s5", "h13-s5"}


@pytest.mark.parametrize(("n", "k"), [(2, 2), (4, 1), (3, 2)])
def test_bcube_has_the_diameter_of_theorem_1(n: int, k: int) -> None:
    """Two servers are at most k + 1 hops of server-switch-server apart."""
    hops = nx.single_source_shortest_path_length(make("bcube", n=n, k=k).to_networkx(), "h1")
    assert max(hops[f"h{number + 1}"] for number in range(n ** (k + 1))) == 2 * (k + 1)


def test_bcube_ports_are_levels() -> None:
    topology = make("bcube", n=2, k=2)
    host = int(topology.hosts[3])
    ports = {}
    for link, end, port in topology.incident(host):
        switch = int(topology.ends[link, 1 - end])
        ports[port] = topology.tier_names[topology.tiers[switch]]
    assert ports == {0: "level0", 1: "level1", 2: "level2"}


def test_dcell_1_of_figure_1() -> None:
    """DCell_1, n = 4: 5 cells; server [0,0] is linked to [1,0], [0,3] to [4,0], [3,3] to [4,3]."""
    topology = make("dcell", n=4, k=1)
    assert topology.kind_counts() == {"host": 20, "switch": 5}
    between = {e for e in edges(topology) if "s" not in e}
    assert between == {
        "h1-h5", "h2-h9", "h13-h3", "h17-h4", "h10-h6", "h14-h7", "h18-h8", "h11-h15", "h12-h19", "h16-h20",
    }  # fmt: skip


@pytest.mark.parametrize(("n", "k", "servers"), [(4, 1, 20), (4, 2, 420), (4, 3, 176_820), (6, 2, 1806)])
def test_dcell_sizes_of_table_1(n: int, k: int, servers: int) -> None:
    topology = make("dcell", n=n, k=k)
    assert len(topology.hosts) == servers
    assert np.count_nonzero(topology.degrees[topology.hosts] == k + 1) == servers


@pytest.mark.parametrize(("n", "k"), [(2, 2), (4, 1), (3, 2)])
def test_dcell_diameter_is_within_the_paper_s_bound(n: int, k: int) -> None:
    """Theorem 2: at most 2^(k+1) - 1 hops, a hop through a switch counting as one."""
    servers = make("dcell", n=n, k=k).to_networkx()
    for switch in [node for node, kind in servers.nodes(data="kind") if kind == "switch"]:
        servers.add_edges_from(combinations(list(servers[switch]), 2))
        servers.remove_node(switch)
    assert nx.diameter(servers) <= 2 ** (k + 1) - 1


@pytest.mark.parametrize("name", ["bcube", "dcell"])
def test_servers_relay(name: str) -> None:
    topology = make(name)
    assert all(topology.node_profile_of(int(host)).relay for host in topology.hosts)
    switches = np.flatnonzero(topology.kinds == Kind.SWITCH)
    assert not any(topology.node_profile_of(int(switch)).relay for switch in switches)
