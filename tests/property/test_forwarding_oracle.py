"""What `check` expects and what forwarding computes, against networkx, which knows nothing of either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.simulate import Walker

from emulator.access import Echo
from emulator.checks.reachability import check_reachability
from emulator.engines.dry_run import DryRunAccess, DryRunEngine, DryRunNetwork
from emulator.forwarding.base import Role
from emulator.forwarding.bridged import BridgedForwarding
from emulator.forwarding.routed import RoutedForwarding
from emulator.network import LinkState
from emulator.plan import make_plan
from topologies.builder import Builder
from topologies.profiles import NodeProfile
from topologies.topology import Kind, Topology

Bools = npt.NDArray[np.bool_]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def networks(draw: st.DrawFn) -> tuple[Topology, Bools]:
    """Any graph of switches, in pieces and with parallel links; hosts with one link; links that are down."""
    build = Builder()
    count = draw(st.integers(1, 8))
    inner = list(build.add_nodes(Kind.SWITCH, "n", count))
    pair = st.lists(st.sampled_from(inner), min_size=2, max_size=2, unique=True)
    for a, b in draw(st.lists(pair, max_size=14)) if count > 1 else []:
        build.add_links(a, b)
    homes = draw(st.lists(st.sampled_from(inner), min_size=1, max_size=6))
    build.add_links(build.add_nodes(Kind.HOST, "h", len(homes)), np.array(homes))
    topology = build.build("oracle")
    flags = st.booleans() | st.just(value=True)
    up = draw(st.lists(flags, min_size=topology.link_count, max_size=topology.link_count))
    return topology, np.array(up, dtype=bool)


def graph_of(topology: Topology, links: Bools) -> nx.MultiGraph[int]:
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(topology.ends[links].tolist())
    return graph


@contextmanager
def running(topology: Topology, up: Bools) -> Iterator[DryRunNetwork]:
    """Bring a network up on the dry-run engine, with the links cut that aren't `up`."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMULATOR_STATE_DIR", str(Path(folder) / "state"))
        network = DryRunEngine().deploy(make_plan(topology, "dry-run"))
        for link in np.flatnonzero(~up).tolist():
            network.set_link(link, LinkState(up=False))
        yield network


def joined(topology: Topology, links: Bools) -> set[tuple[int, int]]:
    """Return the pairs of hosts that networkx finds joined."""
    graph, hosts = graph_of(topology, links), topology.hosts.tolist()
    return {(a, b) for a in hosts for b in hosts if a != b and nx.has_path(graph, a, b)}


@pytest.mark.parametrize("forwarding", ["bridged", "routed"])
@FEW
@given(network=networks())
def test_the_dry_run_answers_where_networkx_finds_a_path(
    forwarding: str, network: tuple[Topology, Bools]
) -> None:
    topology, up = replace(network[0], forwarding=forwarding), network[1]
    hosts = topology.hosts.tolist()
    with running(topology, up) as dry:
        echoes = [Echo(a, dry.addresses(b)[0]) for a in hosts for b in hosts if a != b]
        pairs = [(a, b) for a in hosts for b in hosts if a != b]
        answered = {
            pair for pair, time in zip(pairs, dry.access.ping(echoes, 1.0), strict=True) if time is not None
        }
    assert answered == joined(topology, up)


@pytest.mark.parametrize("forwarding", ["bridged", "routed"])
@FEW
@given(network=networks(), data=st.data())
def test_a_check_names_exactly_what_differs_from_the_graph(
    forwarding: str, network: tuple[Topology, Bools], data: st.DataObject
) -> None:
    topology, up = replace(network[0], forwarding=forwarding), network[1]
    flip = data.draw(st.lists(st.booleans(), min_size=topology.link_count, max_size=topology.link_count))
    really = up ^ np.array(flip, dtype=bool)  # cut by hand, or joined although it should be down
    found_joined, wanted = joined(topology, really), joined(topology, up)
    owners: dict[str, int] = {}

    def ping(_: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        del timeout
        return [0.0 if (echo.source, owners[echo.target]) in found_joined else None for echo in echoes]

    with running(topology, up) as dry, pytest.MonkeyPatch.context() as patch:
        owners.update({address: host for host in topology.hosts.tolist() for address in dry.addresses(host)})
        patch.setattr(DryRunAccess, "ping", ping)
        found = check_reachability(dry)
    names = topology.names
    told = {(one["from"], one["to"], one["found"]) for one in found.unexpected}
    assert told == {(names[a], names[b], "reachable") for a, b in found_joined - wanted} | {
        (names[a], names[b], "unreachable") for a, b in wanted - found_joined
    }
    assert (found.reachable, found.expected) == (len(found_joined), len(wanted))


@settings(max_examples=150, deadline=None)
@given(network=networks())
def test_next_hops_are_all_that_networkx_finds_nearer(network: tuple[Topology, Bools]) -> None:
    topology, up = replace(network[0], forwarding="routed"), network[1]
    forwarding, graph = RoutedForwarding(topology, up), graph_of(topology, up)
    walker = Walker(topology, forwarding, up)
    for host in topology.hosts.tolist():
        ((home,),) = [set(pair) - {host} for pair in topology.ends.tolist() if host in pair]
        far = nx.single_source_shortest_path_length(graph, home)  # its link may be down, its subnet is there
        (address,) = forwarding.addresses(host)
        for router in np.flatnonzero(topology.kinds == Kind.SWITCH).tolist():
            if router == home or router not in far:
                continue
            nearer = {other for other in graph[router] if far.get(other) == far[router] - 1}
            assert walker.next_nodes(router, address.packed) == nearer
            assert hops(walker, router, address.packed) == sum(
                graph.number_of_edges(router, other) for other in nearer
            )


def hops(walker: Walker, router: int, packed: bytes) -> int:
    """Return how many next hops the longest prefix of `packed` has: one a parallel link."""
    rows = [
        (network.prefixlen, len(found))
        for network, found in walker.table(router)
        if network.version == 4 and ip_address(packed) in network
    ]
    return max(rows)[1]


@settings(max_examples=150, deadline=None)
@given(network=networks(), data=st.data())
def test_what_bridges_forward_over_is_a_forest_that_joins_what_is_joined(
    network: tuple[Topology, Bools], data: st.DataObject
) -> None:
    topology, up = network
    relays = data.draw(st.booleans())
    if relays:  # hosts that pass packets on are bridges too
        topology = replace(topology, node_profiles=tuple(
            replace(profile, relay=True) for profile in topology.node_profiles
        ))  # fmt: skip
    roles = BridgedForwarding(topology, up).roles
    forwards = up & (roles != Role.BLOCKED).all(axis=1)
    tree, whole = graph_of(topology, forwards), graph_of(topology, up)
    assert nx.is_forest(tree)
    assert set(map(frozenset, nx.connected_components(tree))) == set(
        map(frozenset, nx.connected_components(whole))
    )


@st.composite
def routed_lans(draw: st.DrawFn) -> Topology:
    """Routers and bridging switches linked anyhow, hosts behind them."""
    build = Builder()
    inner = list(build.add_nodes(Kind.ROUTER, "r", draw(st.integers(1, 4))))
    inner += list(build.add_nodes(Kind.SWITCH, "s", draw(st.integers(1, 5))))
    pair = st.lists(st.sampled_from(inner), min_size=2, max_size=2, unique=True)
    for a, b in draw(st.lists(pair, max_size=10)):
        build.add_links(a, b)
    homes = draw(st.lists(st.sampled_from(inner), min_size=1, max_size=6))
    build.add_links(build.add_nodes(Kind.HOST, "h", len(homes), profile=NodeProfile()), np.array(homes))
    return build.build("lans")


@settings(max_examples=150, deadline=None)
@given(topology=routed_lans())
def test_hosts_share_a_prefix_exactly_where_they_share_a_broadcast_domain(topology: Topology) -> None:
    forwarding = RoutedForwarding(topology, np.ones(topology.link_count, dtype=bool))
    hosts = topology.hosts.tolist()
    lans = graph_of(topology, np.ones(topology.link_count, dtype=bool))
    routers = np.flatnonzero(topology.kinds == Kind.ROUTER).tolist()
    at_router = {host: router for router in routers for host in lans[router] if host in set(hosts)}
    lans.remove_nodes_from(routers)
    domain = {node: number for number, part in enumerate(nx.connected_components(lans)) for node in part}
    prefix = {host: ip_network((a.packed, a.length), strict=False)
              for host in hosts for a in forwarding.addresses(host)}  # fmt: skip
    for a in hosts:
        for b in hosts:
            same = domain[a] == domain[b] or (a in at_router and at_router[a] == at_router.get(b))
            assert (prefix[a] == prefix[b]) == same
