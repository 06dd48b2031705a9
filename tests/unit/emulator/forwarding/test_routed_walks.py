"""Every packet arrives by a shortest path, none turns in circles, whatever links are down."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulate import Walker

from emulator.forwarding.reach import Reach
from emulator.forwarding.routed import RoutedForwarding
from topologies.builder import Builder
from topologies.profiles import NodeProfile
from topologies.topology import Kind, Pools, Topology

Bools = npt.NDArray[np.bool_]
NOWHERE = (bytes([10, 255, 255, 1]), bytes([100, 127, 0, 1]), bytes([8, 8, 8, 8]))


@st.composite
def routed_networks(draw: st.DrawFn) -> tuple[Topology, Bools]:
    """Any graph of routers, relaying hosts among them, hosts on some, parallel links, links down."""
    routers = draw(st.integers(1, 9))
    relays = draw(st.integers(0, 3))
    build = Builder()
    group = draw(st.lists(st.integers(-1, 3), min_size=routers, max_size=routers))
    switches = build.add_nodes(Kind.SWITCH, "s", routers, group=np.array(group))
    inner = list(switches)
    if relays:
        inner += list(build.add_nodes(Kind.HOST, "r", relays, profile=NodeProfile(relay=True)))
    for _ in range(draw(st.integers(0, 16)) if len(inner) > 1 else 0):
        a, b = draw(st.lists(st.sampled_from(inner), min_size=2, max_size=2, unique=True))
        build.add_links(a, b)
    homes = draw(st.lists(st.sampled_from(inner), max_size=6))
    if homes:
        build.add_links(build.add_nodes(Kind.HOST, "h", len(homes)), np.array(homes))
    topology = replace(build.build("t"), forwarding="routed", pools=Pools(ipv6=draw(_pool6)))
    up = draw(st.lists(st.booleans() | st.just(value=True), min_size=topology.link_count,
                       max_size=topology.link_count))  # fmt: skip
    return topology, np.array(up, dtype=bool)


_pool6 = st.sampled_from([None, "fd00::/48"])


def distances(topology: Topology, up: Bools) -> dict[int, dict[int, int]]:
    graph = nx.Graph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(topology.ends[up].tolist())
    return dict(nx.all_pairs_shortest_path_length(graph))


def walked(network: tuple[Topology, Bools]) -> tuple[RoutedForwarding, Walker, dict[int, dict[int, int]]]:
    """Return the routes of a network, who walks them, and how far its nodes are from each other."""
    topology, up = network
    forwarding = RoutedForwarding(topology, up)
    return forwarding, Walker(topology, forwarding, up), distances(topology, up)


@settings(max_examples=150, deadline=None)
@given(routed_networks())
def test_shortest_paths_to_every_node_and_no_loops(network: tuple[Topology, Bools]) -> None:
    forwarding, walker, far = walked(network)
    for source in range(walker.topology.node_count):
        for target in range(walker.topology.node_count):
            addresses = forwarding.addresses(target)
            own = [a for a in addresses if not forwarding.is_router(target) or a.port == 0xFFFE]
            for address in own if source != target else ():
                expected = far[source].get(target)
                if expected == 2 and not forwarding.is_router(source) and not forwarding.is_router(target):
                    expected = 1  # both on one access bridge
                assert walker.lengths(source, address.packed) == {expected}
        for packed in NOWHERE:
            assert walker.lengths(source, packed) == {None}


@settings(max_examples=100, deadline=None)
@given(routed_networks())
def test_links_between_routers_answer_wherever_their_routers_do(network: tuple[Topology, Bools]) -> None:
    forwarding, walker, far = walked(network)
    for source in range(walker.topology.node_count):
        for target in range(walker.topology.node_count):
            for address in forwarding.addresses(target) if source != target else ():
                found = walker.lengths(source, address.packed)
                if target in far[source] and walker.is_up(target, address.port):
                    assert None not in found
                    assert all(length is not None and length <= far[source][target] + 2 for length in found)
                else:
                    assert found == {None}


@st.composite
def mixed_networks(draw: st.DrawFn) -> tuple[Topology, Bools]:
    """Any graph of routers, bridging switches, hosts and relays with one or two links, links down."""
    build = Builder()
    routers = list(build.add_nodes(Kind.ROUTER, "r", draw(st.integers(1, 4))))
    switches = list(build.add_nodes(Kind.SWITCH, "s", draw(st.integers(1, 5))))
    hosts = list(build.add_nodes(Kind.HOST, "h", draw(st.integers(1, 5))))
    relays = draw(st.integers(0, 2))
    if relays:
        hosts += list(build.add_nodes(Kind.HOST, "b", relays, profile=NodeProfile(relay=True)))
    inner = routers + switches
    pairs = draw(st.lists(st.lists(st.sampled_from(inner), min_size=2, max_size=2, unique=True), max_size=12))
    for a, b in pairs:
        build.add_links(a, b)
    for host in hosts:
        for home in draw(st.lists(st.sampled_from(inner), min_size=1, max_size=2)):
            build.add_links(host, home)
    topology = replace(build.build("t"), pools=Pools(ipv6=draw(_pool6)))
    up = draw(st.lists(st.booleans() | st.just(value=True), min_size=topology.link_count,
                       max_size=topology.link_count))  # fmt: skip
    return topology, np.array(up, dtype=bool)


@settings(max_examples=200, deadline=None)
@given(mixed_networks())
def test_expected_reachability_is_what_packets_find(network: tuple[Topology, Bools]) -> None:
    topology, up = network
    forwarding = RoutedForwarding(topology, up)
    walker, reach = Walker(topology, forwarding, up), Reach(forwarding)
    for source in topology.hosts.tolist():
        for target in topology.hosts.tolist():
            for address in forwarding.addresses(target) if source != target else ():
                there = None not in walker.lengths(source, address.packed)
                back = there and _answer_arrives(walker, source, target, address.packed)
                assert reach.answers(source, target, address.text) == back, address


def _answer_arrives(walker: Walker, source: int, target: int, packed: bytes) -> bool:
    """Return whether what `target` sends back arrives at the address that `source` asked from."""
    value, width = int.from_bytes(packed), 8 * len(packed)
    rows = [
        (network.prefixlen, hops[0].port)
        for network, hops in walker.table(source)
        if network.max_prefixlen == width
        and value >> (width - network.prefixlen)
        == int(network.network_address) >> (width - network.prefixlen)
    ]
    port = max(rows)[1]
    asked_from = next(a.packed for a in walker.forwarding.addresses(source) if a.port == port)
    return None not in walker.lengths(target, asked_from)
