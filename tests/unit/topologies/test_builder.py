from __future__ import annotations

import numpy as np
import pytest

from topologies.builder import Builder, number_ports
from topologies.names import NameBlock
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.topology import Kind

SLOW = LinkProfile(Shape(bandwidth=1e6), Shape(bandwidth=1e6))


def test_blocks_follow_on_each_other() -> None:
    build = Builder()
    switches = build.add_nodes(Kind.SWITCH, "s", 2, tier="edge", group=[0, 1])
    hosts = build.add_nodes(Kind.HOST, NameBlock(("h",), (3,)), group=0, profile=NodeProfile(relay=True))
    router = build.add_node(Kind.ROUTER, "gw")
    assert (switches.tolist(), hosts.tolist(), router) == ([0, 1], [2, 3, 4], 5)
    topology = build.build("net")
    assert list(topology.names) == ["s1", "s2", "h1", "h2", "h3", "gw"]
    assert topology.kinds.tolist() == [1, 1, 0, 0, 0, 2]
    assert [topology.tier_names[t] for t in topology.tiers] == [
        "edge",
        "edge",
        "host",
        "host",
        "host",
        "router",
    ]
    assert topology.groups.tolist() == [0, 1, 0, 0, 0, -1]
    assert [topology.node_profile_of(i).relay for i in range(6)] == [False, False, True, True, True, False]
    assert topology.name == "net"


def test_links_are_broadcast() -> None:
    build = Builder()
    switch = build.add_nodes(Kind.SWITCH, "s", 1)
    hosts = build.add_nodes(Kind.HOST, "h", 3)
    build.add_links(switch, hosts)
    build.add_links(hosts[0], hosts[2], SLOW)
    topology = build.build()
    assert topology.ends.tolist() == [[0, 1], [0, 2], [0, 3], [1, 3]]
    assert topology.ports.tolist() == [[1, 0], [2, 0], [3, 0], [1, 1]]
    assert [topology.link_profile_of(i) for i in range(4)] == [LinkProfile()] * 3 + [SLOW]


def test_equal_profiles_are_stored_once() -> None:
    build = Builder()
    hosts = build.add_nodes(Kind.HOST, "h", 4)
    for i in range(3):
        build.add_links(hosts[i], hosts[i + 1], LinkProfile(Shape(bandwidth=1e6), Shape(bandwidth=1e6)))
    assert build.build().link_profiles == (LinkProfile(), SLOW)


def test_nothing_at_all() -> None:
    topology = Builder().build()
    assert (topology.node_count, topology.link_count, list(topology.names)) == (0, 0, [])


def test_arrays_are_read_only() -> None:
    build = Builder()
    build.add_links(*build.add_nodes(Kind.HOST, "h", 2))
    topology = build.build()
    for array in (topology.kinds, topology.ends, topology.ports, topology.groups, topology.link_profile):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_ports_count_in_order_of_appearance_on_either_end() -> None:
    ends = np.array([[2, 0], [0, 1], [2, 1], [0, 2]], dtype=np.int32)
    kinds = np.array([Kind.HOST, Kind.SWITCH, Kind.ROUTER], dtype=np.uint8)
    assert number_ports(ends, kinds).tolist() == [[1, 0], [1, 1], [2, 2], [2, 3]]


def test_slots_are_in_port_order() -> None:
    build = Builder()
    hosts = build.add_nodes(Kind.HOST, "h", 3)
    build.add_links(hosts[[0, 1, 2]], hosts[[1, 2, 0]])
    topology = build.build()
    for node in range(3):
        ends = topology.incident(node)
        assert [end.port for end in ends] == [0, 1]
        assert all(topology.ends[link, end] == node for link, end, _ in ends)
        assert all(topology.ports[link, end] == port for link, end, port in ends)
