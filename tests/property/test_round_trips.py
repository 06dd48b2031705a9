"""Round trips that a check expects, against networkx and a walk through the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.simulate import Walker

from emulator.checks.crossing_times import HIGH, LOW
from emulator.checks.round_trips import RoundTrips
from emulator.forwarding.base import BRIDGE_PORT, Role
from emulator.forwarding.bridged import BridgedForwarding
from emulator.forwarding.reach import Reach
from emulator.forwarding.routed import RoutedForwarding
from emulator.link_states import States, effective_shape
from emulator.network import LinkState
from topologies.builder import Builder
from topologies.openflow import Controller, OpenFlow
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.topology import Kind, Topology

Bools = npt.NDArray[np.bool_]
Network = tuple[Topology, States, Bools]
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = st.builds(
    Shape, delay=st.sampled_from([None, 0.001, 0.01, 0.5]), jitter=st.sampled_from([None, 0.002, 0.1]),
    bandwidth=st.sampled_from([None, 1e6]), reorder=st.sampled_from([None, None, 0.25]),
)  # fmt: skip
PROFILES = st.builds(LinkProfile, SHAPES, SHAPES)


@st.composite
def networks(draw: st.DrawFn, inner: tuple[Kind, ...] = (Kind.SWITCH,)) -> Network:
    """Any graph of inner nodes, with parallel links and in pieces, hosts, changes of links, links down."""
    build = Builder()
    nodes: list[int] = []
    for kind in inner:
        nodes += list(build.add_nodes(kind, kind.word, draw(st.integers(1, 5)), profile=NodeProfile()))
    pair = st.lists(st.sampled_from(nodes), min_size=2, max_size=2, unique=True)
    for a, b in draw(st.lists(pair, max_size=12)) if len(nodes) > 1 else []:
        build.add_links(a, b)
    homes = draw(st.lists(st.sampled_from(nodes), min_size=2, max_size=5))
    build.add_links(build.add_nodes(Kind.HOST, "h", len(homes), profile=NodeProfile()), np.array(homes))
    topology = build.build("trips")
    count = topology.link_count
    profiles = tuple(draw(st.lists(PROFILES, min_size=1, max_size=4)))
    numbers = draw(st.lists(st.integers(0, len(profiles) - 1), min_size=count, max_size=count))
    topology = replace(
        topology, link_profiles=profiles, link_profile=np.array(numbers, dtype=topology.link_profile.dtype)
    )
    shape = st.none() | SHAPES
    state = st.builds(LinkState, up=st.just(value=True), forward=shape, backward=shape)
    states = draw(st.dictionaries(st.integers(0, count - 1), state, max_size=3))
    flags = st.booleans() | st.just(value=True) | st.just(value=True)
    return topology, states, np.array(draw(st.lists(flags, min_size=count, max_size=count)), dtype=bool)


def delays(topology: Topology, states: States, link: int, end: int) -> tuple[float, float]:
    """Return the least and the greatest delay of what an end of a link sends."""
    shape = effective_shape(topology, states, link, end)
    delay, jitter = shape.delay or 0.0, shape.jitter or 0.0
    return (0.0 if shape.reorder else max(0.0, delay - jitter)), delay + jitter


def graph_of(network: Network, links: Bools) -> nx.MultiDiGraph[int]:
    """Return a graph of some links, with `low` and `high` each way."""
    topology, states, _ = network
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.add_nodes_from(range(topology.node_count))
    for link in np.flatnonzero(links).tolist():
        a, b = topology.ends[link].tolist()
        for end, (tail, head) in enumerate([(a, b), (b, a)]):
            low, high = delays(topology, states, link, end)
            graph.add_edge(tail, head, low=low, high=high)
    return graph


def along(graph: nx.MultiDiGraph[int], path: list[int]) -> tuple[float, float]:
    """Return the least and greatest time along a path; parallel links are alternatives."""
    hops = [list(graph.get_edge_data(a, b).values()) for a, b in pairwise(path)]
    return (
        sum(min(one["low"] for one in some) for some in hops),
        sum(max(one["high"] for one in some) for some in hops),
    )


def wanted(graph: nx.MultiDiGraph[int], a: int, b: int) -> tuple[float, float] | None:
    """Return the bounds of a round trip over all paths with the fewest links; None without a path."""
    if not nx.has_path(graph, a, b):
        return None
    ways = [[along(graph, path) for path in nx.all_shortest_paths(graph, *ends)] for ends in ((a, b), (b, a))]
    return sum(min(low for low, _ in way) for way in ways), sum(max(high for _, high in way) for way in ways)


def pairs_of(topology: Topology) -> Iterator[tuple[int, int]]:
    hosts = topology.hosts.tolist()
    return ((a, b) for a in hosts for b in hosts if a != b)


def found(network: Network, questions: list[tuple[int, int, str]]) -> list[list[float]]:
    topology, states, up = network
    return RoundTrips(topology, states, up).of(questions)[:, [LOW, HIGH]].tolist()  # type: ignore[no-any-return]


def compare(network: Network, graph: nx.MultiDiGraph[int], questions: list[tuple[int, int, str]]) -> None:
    for (a, b, _), bounds in zip(questions, found(network, questions), strict=True):
        expected = wanted(graph, a, b)
        if expected is not None:
            assert bounds == pytest.approx(expected)
        elif RoundTrips(*network).delayed:
            assert bounds == [0.0, np.inf]


@MANY
@given(network=networks(), relays=st.booleans())
def test_bridges_use_their_spanning_tree(network: Network, relays: bool) -> None:
    topology, _, up = network
    if relays:
        hosts = tuple(replace(profile, relay=True) for profile in topology.node_profiles)
        network = (replace(topology, node_profiles=hosts), *network[1:])
    roles = BridgedForwarding(network[0], up).roles
    graph = graph_of(network, up & (roles != Role.BLOCKED).all(axis=1))
    compare(network, graph, [(a, b, "") for a, b in pairs_of(topology)])


def with_switches(network: Network, **keys: object) -> Network:
    topology = network[0]
    profiles = tuple(
        replace(profile, switch="ovs", openflow=OpenFlow(**keys))  # type: ignore[arg-type]
        for profile in topology.node_profiles
    )
    return replace(topology, node_profiles=profiles), *network[1:]


@MANY
@given(network=networks())
def test_computed_flows_use_all_paths_with_the_fewest_links(network: Network) -> None:
    network = with_switches(network, flows="ecmp")
    compare(network, graph_of(network, network[2]), [(a, b, "") for a, b in pairs_of(network[0])])


@MANY
@given(network=networks())
def test_a_controller_of_the_users_may_use_any_path(network: Network) -> None:
    network = with_switches(network, controllers=(Controller("remote", "192.0.2.1"),))
    topology, _, up = network
    graph = graph_of(network, up)
    questions = [(a, b, "") for a, b in pairs_of(topology)]
    for (a, b, _), (low, high) in zip(questions, found(network, questions), strict=True):
        if not nx.has_path(graph, a, b):
            continue
        quickest = [nx.dijkstra_path_length(graph, *ends, weight="low") for ends in ((a, b), (b, a))]
        assert low == pytest.approx(sum(quickest))
        simple = [nx.all_simple_paths(nx.DiGraph(graph), *ends) for ends in ((a, b), (b, a))]
        slowest = sum(max(along(graph, path)[1] for path in paths) for paths in simple)
        assert high >= slowest - 1e-9
        if nx.is_forest(undirected(topology, up)):
            assert high == pytest.approx(slowest)


def undirected(topology: Topology, links: Bools) -> nx.MultiGraph[int]:
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(topology.ends[links].tolist())
    return graph


@MANY
@given(network=networks())
def test_routers_use_all_paths_with_the_fewest_links(network: Network) -> None:
    topology = replace(network[0], forwarding="routed")
    network = (topology, *network[1:])
    forwarding = RoutedForwarding(topology, network[2])
    questions = [(a, b, forwarding.addresses(b)[0].text) for a, b in pairs_of(topology)]
    compare(network, graph_of(network, network[2]), questions)


class TimedWalker(Walker):
    """Walker that also measures: by the tables of nodes, and by networkx within a segment."""

    def __init__(self, network: Network, forwarding: RoutedForwarding) -> None:
        super().__init__(network[0], forwarding, network[2])
        self.timed: nx.DiGraph[tuple[int, int]] = nx.DiGraph()
        topology = network[0]
        for link in np.flatnonzero(network[2]).tolist():
            roles = forwarding.roles[link].tolist()
            if Role.BLOCKED in roles:
                continue
            at = [
                (int(node), BRIDGE_PORT if role == Role.BRIDGED else int(port))
                for node, port, role in zip(topology.ends[link], topology.ports[link], roles, strict=True)
            ]
            for end in (0, 1):
                low, high = delays(topology, network[1], link, end)
                known = self.timed.get_edge_data(at[end], at[1 - end])
                assert known is None, "a loop"
                self.timed.add_edge(at[end], at[1 - end], low=low, high=high)

    def times(self, node: int, packed: bytes) -> set[tuple[float, float]]:
        """Return the (least, greatest) time of every path of a packet that arrives."""
        if self.has(node, packed):
            return {(0.0, 0.0)}
        out: set[tuple[float, float]] = set()
        for port, gateway in self.hops(node, packed):
            (owner,) = self.owners[self.part[node, port], gateway or packed]
            path = nx.shortest_path(self.timed, (node, port), owner)
            edges = [self.timed.edges[edge] for edge in pairwise(path)]
            here = sum(edge["low"] for edge in edges), sum(edge["high"] for edge in edges)
            out |= {(here[0] + low, here[1] + high) for low, high in self.times(owner[0], packed)}
        return out

    def hops(self, node: int, packed: bytes) -> list[tuple[int, bytes | None]]:
        """Return the next hops of the longest prefix of `packed`: (port, gateway)."""
        width = 8 * len(packed)
        rows = [
            (network.prefixlen, hops)
            for network, hops in self.table(node)
            if network.max_prefixlen == width
            and int.from_bytes(packed) >> (width - network.prefixlen)
            == int(network.network_address) >> (width - network.prefixlen)
        ]
        return [(hop.port, hop.gateway) for hop in max(rows, key=lambda row: row[0])[1]] if rows else []


@MANY
@given(network=networks(inner=(Kind.ROUTER, Kind.SWITCH)))
def test_lans_between_routers_are_crossed_along_their_trees(network: Network) -> None:
    topology, states, up = network
    forwarding = RoutedForwarding(topology, up)
    walker, reach = TimedWalker(network, forwarding), Reach(forwarding)
    segments = forwarding.addressing.segments
    routing = up[:, None] & segments.routers[topology.ends] & (segments.of_end >= 0)
    places = np.stack([topology.ends, segments.of_end, segments.vertices], axis=2)[routing]
    single = len(np.unique(places, axis=0)) == len(np.unique(places[:, :2], axis=0))
    packed = {host: forwarding.addresses(host)[0] for host in topology.hosts.tolist()}
    questions = [(a, b, packed[b].text) for a, b in pairs_of(topology) if reach.answers(a, b, packed[b].text)]
    for (a, b, _), bounds in zip(questions, found(network, questions), strict=True):
        if not RoundTrips(topology, states, up).delayed:
            continue
        ways = [walker.times(a, packed[b].packed), walker.times(b, packed[a].packed)]
        low = sum(min(one[0] for one in way) for way in ways)
        high = sum(max(one[1] for one in way) for way in ways)
        if single:
            assert bounds == pytest.approx((low, high))
        else:  # the kernel answers ARP on either link: the walker knows the one with the address
            assert bounds[0] <= low + 1e-9
            assert bounds[1] >= high - 1e-9
