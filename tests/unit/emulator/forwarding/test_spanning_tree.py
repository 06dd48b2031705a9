"""The computed spanning tree."""

from __future__ import annotations

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from support.topologies import switch_networks

from emulator.forwarding.spanning_tree import tree_links
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Topology


def topology_of(text: str) -> Topology:
    return build(load_text("name: t\ntopology: " + text))


def switch_graph(topology: Topology, links: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> nx.MultiGraph[int]:
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(topology.ends[links].tolist())
    return graph


@settings(max_examples=80, deadline=None)
@given(switch_networks())
def test_the_tree_keeps_every_component_whole_and_has_no_loop(
    network: tuple[Topology, npt.NDArray[np.bool_]],
) -> None:
    topology, up = network
    keep = tree_links(topology, up)
    assert not (keep & ~up).any()
    whole, tree = switch_graph(topology, up), switch_graph(topology, keep)
    assert nx.is_forest(tree)
    assert nx.number_connected_components(tree) == nx.number_connected_components(whole)


def test_a_tree_blocks_nothing() -> None:
    assert tree_links(topology_of("{generator: tree, depth: 3, fanout: 3}")).all()


def test_a_fat_tree_keeps_shortest_paths_to_its_root() -> None:
    topology = topology_of("{generator: fat-tree, k: 4}")
    keep = tree_links(topology)
    assert int((~keep).sum()) == 13  # 32 links between 20 switches, 19 in a tree
    tree, whole = switch_graph(topology, keep), switch_graph(topology, np.ones_like(keep))
    core = topology.names.find("c1")
    assert nx.single_source_shortest_path_length(tree, core) == {
        node: nx.shortest_path_length(whole, core, node) for node in whole
    }


def test_host_links_always_forward() -> None:
    topology = topology_of("{generator: fat-tree, k: 4}")
    hosts = np.isin(topology.ends, topology.hosts).any(axis=1)
    assert tree_links(topology)[hosts].all()
