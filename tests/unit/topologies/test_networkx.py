"""`Topology.to_networkx`: the graph that networkx gets has the nodes, links and attributes of ours."""

from __future__ import annotations

import json
import subprocess
import sys

import networkx as nx
import pytest
from support.topologies import made, make

from topologies.formats.export import chunks
from topologies.topology import Topology

MIXED = made(
    {
        "nodes": {"h1": {"kind": "host"}, "s1": {"kind": "switch"}, "r1": {"kind": "router", "tier": "core"}},
        "links": [
            ["s1", "h1", {"bandwidth": "10 Mbit", "delay": "2 ms"}],
            [
                "s1",
                "r1",
                {"forward": {"delay": "5 ms"}, "backward": {"bandwidth": "1 Gbit", "delay": "1 ms"}},
            ],
            ["r1", "s1"],
        ],
    }
)


def test_nodes_have_names_and_attributes() -> None:
    graph = MIXED.to_networkx()
    assert dict(graph.nodes(data=True)) == {
        "h1": {"index": 0, "kind": "host", "tier": "host", "group": -1, "fidelity": "full"},
        "s1": {"index": 1, "kind": "switch", "tier": "switch", "group": -1, "fidelity": "full"},
        "r1": {"index": 2, "kind": "router", "tier": "core", "group": -1, "fidelity": "full"},
    }


def test_parallel_links_are_edges_of_their_own_with_ends_and_ports_in_the_order_of_the_file() -> None:
    graph = MIXED.to_networkx()
    assert isinstance(graph, nx.MultiGraph)
    assert sorted(graph["s1"]["r1"]) == [1, 2]
    assert graph.edges["s1", "r1", 2]["ends"] == ("r1", "s1")
    assert graph.edges["s1", "r1", 2]["ports"] == (2, 3)
    assert graph.edges["s1", "r1", 2]["profile"] == MIXED.link_profile_of(2)


def test_weights_are_the_worse_of_both_directions() -> None:
    graph = MIXED.to_networkx()
    assert graph.edges["s1", "h1", 0]["bandwidth"] == 10e6
    assert graph.edges["s1", "r1", 1]["delay"] == pytest.approx(0.005)
    assert graph.edges["s1", "r1", 1]["bandwidth"] == 1e9
    assert "bandwidth" not in graph.edges["s1", "r1", 2]
    assert nx.shortest_path_length(graph, "h1", "r1", weight="delay") == pytest.approx(0.002)  # over link 2


def test_positions_come_along() -> None:
    topology = make("waxman", n=5)
    assert topology.positions is not None
    graph = topology.to_networkx()
    assert graph.nodes["s3"]["pos"] == tuple(topology.positions[topology.names.find("s3")])


@pytest.mark.parametrize(
    "topology",
    [MIXED, make("fat-tree", k=4), make("bcube", n=3, k=1), make("jellyfish"), make("single", hosts=1)],
    ids=lambda topology: topology.name or "mixed",
)
def test_it_is_the_graph_that_networkx_reads_from_the_json_export(topology: Topology) -> None:
    read = nx.node_link_graph(json.loads("".join(chunks(topology, "json"))), edges="edges")
    graph = topology.to_networkx()
    assert set(graph) == set(read)
    assert {(*sorted((a, b)), key) for a, b, key in graph.edges(keys=True)} == {
        (*sorted((a, b)), key) for a, b, key in read.edges(keys=True)
    }
    assert [degree for _, degree in graph.degree(topology.names)] == topology.degrees.tolist()


def test_a_topology_alone_does_not_load_networkx() -> None:
    code = "import sys, topologies.build; sys.exit('networkx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
