"""Indices of interfaces: by port, or by name where many nodes share a namespace."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

from emulator.indices import PortIndices, port_index
from emulator.node_namespaces import node_namespaces
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology

SHARED = 1 << 30


def topology_of(text: str) -> Topology:
    return build(load_text("name: t\n" + text))


def test_ports_of_nodes_of_their_own_count_from_ten_in_steps_of_two() -> None:
    topology = topology_of("topology: {nodes: {s: {kind: switch}, a: {}, b: {}}, links: [[s, a], [b, s]]}")
    indices = indices_of(topology)
    assert indices.ends == [[12, 10], [10, 14]]
    assert not node_namespaces(topology).shared.any()


def indices_of(topology: Topology) -> PortIndices:
    return PortIndices(topology, node_namespaces(topology))


@pytest.mark.parametrize(
    "text",
    [
        "topology: {generator: linear, k: 9}",
        "topology: {generator: fat-tree, k: 4}",
        "topology: {generator: dcell, k: 1, n: 3}\nforwarding: routed",
        "topology: {generator: jellyfish, switches: 12, ports: 4, degree: 3}",
        "switch: ovs\ntopology: {generator: linear, k: 9}",
        "topology: {nodes: {a: {kind: switch}, b: {kind: switch}}, links: [[b, a], [a, b], [a, b]]}",
    ],
)
def test_the_two_ends_of_a_link_differ_and_so_do_the_ports_of_a_node(text: str) -> None:
    topology = topology_of(text)
    indices = indices_of(topology)
    assert all(a != b for a, b in indices.ends)
    for node in range(topology.node_count):
        own = [indices.ends[link][end] for link, end, _ in topology.incident(node)]
        ports = [end.port for end in topology.incident(node)]
        assert own == [indices.of(node, port) for port in ports] == [*map(indices.at(node), ports)]
        assert len(set(own)) == len(own)
        assert min(own, default=10) >= 10


def test_the_order_of_a_links_ends_decides_nothing() -> None:
    nodes = "topology: {nodes: {a: {kind: switch}, b: {kind: switch}}, links: [[%s, %s]]}"
    assert indices_of(topology_of(nodes % ("a", "b"))).ends == [[12, 13]]
    assert indices_of(topology_of(nodes % ("b", "a"))).ends == [[13, 12]]


def test_ports_of_open_vswitch_have_indices_of_their_names() -> None:
    topology = topology_of("switch: ovs\ntopology: {generator: linear, k: 2, hosts_per_switch: 1}")
    indices = indices_of(topology)
    s1 = topology.names.index("s1")
    assert indices.of(s1, 1) == SHARED + crc32(b"s1-eth1") % SHARED
    assert indices.of(topology.names.index("h1"), 0) == port_index(0)


def test_no_two_ports_of_a_large_network_share_an_index() -> None:
    topology = topology_of("switch: ovs\ntopology: {generator: tree, depth: 2, fanout: 200}")
    indices = indices_of(topology)
    ends = np.array(indices.ends)[(topology.kinds == Kind.SWITCH)[topology.ends]]
    assert len(ends) > 40_000
    assert len(np.unique(ends)) == len(ends)
    assert SHARED <= int(ends.min()) <= int(ends.max()) < 1 << 31


def test_an_index_stays_when_other_nodes_come() -> None:
    small = topology_of("switch: ovs\ntopology: {nodes: {s1: {kind: switch}, h1: {}}, links: [[s1, h1]]}")
    large = topology_of(
        "switch: ovs\ntopology: {nodes: {h0: {}, s0: {kind: switch}, s1: {kind: switch}, h1: {}},"
        " links: [[s1, h1], [s0, h0], [s0, s1]]}"
    )
    before = indices_of(small).of(small.names.index("s1"), 1)
    assert indices_of(large).of(large.names.index("s1"), 1) == before


def test_switches_that_route_share_nothing() -> None:
    topology = topology_of(
        "switch: ovs\nforwarding: routed\ntopology: {generator: tree, depth: 1, fanout: 2}"
    )
    assert not node_namespaces(topology).shared.any()


def test_names_that_collide_on_different_machines_have_the_same_index() -> None:
    """Each machine has a namespace of its own for its switches; within one the later name gives way."""
    assert crc32(b"hdegvm-eth1") % SHARED == crc32(b"jw01-eth1") % SHARED
    topology = topology_of(
        "switch: ovs\ntopology: {nodes: {h1: {}, jw01: {kind: switch}, h2: {}, hdegvm: {kind: switch}},"
        " links: [[h1, jw01], [h2, hdegvm]]}"
    )
    apart = node_namespaces(topology, np.array([0, 0, 1, 1], dtype=np.int32))
    together = indices_of(topology).ends
    alone = PortIndices(topology, apart).ends
    assert sorted([together[0][1], together[1][1]]) == [alone[0][1], alone[0][1] + 1]
    assert alone[0][1] == alone[1][1] == SHARED + crc32(b"jw01-eth1") % SHARED
