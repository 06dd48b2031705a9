"""The computed spanning tree."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
@given(st.integers(2, 10), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25), st.data())
def test_the_tree_keeps_every_component_whole_and_has_no_loop(
    switches: int, pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    pairs = [(a % switches, b % switches) for a, b in pairs if a % switches != b % switches]
    nodes = ", ".join(f"s{i}: {{kind: switch}}" for i in range(switches))
    links = ", ".join(f"[s{a}, s{b}]" for a, b in pairs)
    topology = topology_of(f"{{nodes: {{{nodes}}}, links: [{links}]}}")
    up = np.array(data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs))), dtype=bool)
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
