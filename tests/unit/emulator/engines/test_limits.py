"""Limits of the whole machine that a network needs raised."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.topologies import made

from emulator.engines.limits import global_needs
from emulator.engines.mininet.engine import MininetEngine
from emulator.plan import make_plan
from topologies.segments import Segments
from topologies.topology import Topology

BACKLOG = "net.core.netdev_max_backlog"
KINDS = ("host", "switch", "router")


def backlog(hosts: int, **keys: Any) -> int:
    switches = max(2, hosts // 1_000)
    topology = made({"generator": "linear", "k": switches, "hosts_per_switch": hosts // switches}, **keys)
    return global_needs(make_plan(topology, "netns"))[BACKLOG]


def test_the_queue_takes_many_broadcasts_of_the_largest_domain() -> None:
    assert backlog(2_000) == 64 * 2_001
    assert backlog(20) < 2_000, "small networks get by with little more than the kernel's 1,000"


def test_the_largest_domains_get_room_for_eight_broadcasts_and_others_no_more_than_a_million_frames() -> None:
    assert 900_000 < backlog(20_000) <= 1_000_000
    assert backlog(400_000) == 8 * 400_399


def test_behind_a_router_the_queue_is_that_of_one_access_segment() -> None:
    assert backlog(8_000, forwarding="routed") == 64 * 1_000


def test_mininet_needs_it_as_well() -> None:
    plan = make_plan(made({"generator": "linear", "k": 2, "hosts_per_switch": 1_000}), "mininet")
    assert MininetEngine().needs(plan)[BACKLOG] == global_needs(plan)[BACKLOG]


@st.composite
def mixed(draw: st.DrawFn) -> Topology:
    """Hosts, switches and routers linked anyhow."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=14))
    node = st.integers(0, len(kinds) - 1)
    pairs = draw(st.sets(st.tuples(node, node), max_size=20))
    links = [[f"n{a}", f"n{b}"] for a, b in sorted(pairs) if a < b]
    return made({"nodes": {f"n{at}": {"kind": kind} for at, kind in enumerate(kinds)}, "links": links})


@given(mixed())
@settings(max_examples=200, deadline=None)
def test_the_largest_domain_is_what_switches_join(topology: Topology) -> None:
    """networkx: two links are in one domain when they meet in a bridge, and a tree joins the bridges."""
    kind = [KINDS[number] for number in topology.kinds.tolist()]
    graph, switches = nx.Graph(), nx.Graph()
    for link, (a, b) in enumerate(topology.ends.tolist()):
        if kind[a] == kind[b] == "switch":
            switches.add_edge(a, b)
        elif [kind[a], kind[b]] != ["router", "router"]:
            graph.add_node(("link", link))
        for node, far in ((a, b), (b, a)):
            # a router bridges the plain hosts on its ports
            if kind[node] == "switch" or (kind[node] == "router" and kind[far] == "host"):
                graph.add_edge(("link", link), ("at", node))
    forest = [set(part) for part in nx.connected_components(nx.minimum_spanning_tree(switches))]
    for part in forest:
        nx.add_path(graph, [("at", node) for node in part])
    sizes = []
    for part in nx.connected_components(graph):
        links = [
            link
            for what, link in part
            if what == "link" and not switches.has_edge(*topology.ends[link].tolist())
        ]
        bridges = sum(what == "at" and kind[node] == "switch" for what, node in part)
        sizes.append(len(links) + max(bridges - 1, 0))
    assert Segments(topology).largest == max(sizes, default=0)


@pytest.mark.parametrize("hosts", [2, 7])
def test_a_network_without_broadcasts_to_many_needs_nothing(hosts: int) -> None:
    topology = made({"generator": "single", "hosts": hosts})
    assert global_needs(make_plan(topology, "netns"))[BACKLOG] < 1_000
