"""Routed forwarding of the textbook networks: roles, addresses, table sizes, next hops."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import pytest
from support.topologies import made, make

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role, Route
from emulator.forwarding.blocked import blocked_links
from emulator.forwarding.bridged import BridgedForwarding
from emulator.forwarding.routed import RoutedForwarding
from emulator.forwarding.select import forwarding_for
from topologies.identifiers import mac
from topologies.topology import Topology

TWO_LANS = {
    "nodes": {
        "h1": {}, "h2": {}, "h3": {}, "s1": {"kind": "switch"}, "s2": {"kind": "switch"},
        "r1": {"kind": "router"}, "r2": {"kind": "router"},
    },
    "links": [["h1", "s1"], ["h2", "s1"], ["h3", "s2"], ["s1", "r1"], ["r1", "s2"], ["r2", "s2"]],
}  # fmt: skip


def routed(generator: str, **params: object) -> RoutedForwarding:
    found = forwarding_for(made({"generator": generator, **params}, forwarding="routed"))
    assert isinstance(found, RoutedForwarding)
    return found


def node(forwarding: RoutedForwarding, name: str) -> int:
    return list(forwarding.topology.names).index(name)


def texts(forwarding: RoutedForwarding, name: str) -> list[str]:
    return [f"{a.text}/{a.length}" for a in forwarding.addresses(node(forwarding, name))]


def words(route: Route) -> tuple[str, list[str]]:
    to = f"{ip_address(route.packed)}/{route.length}"
    return to, [str(ip_address(hop.gateway)) if hop.gateway else "link" for hop in route.hops]


def test_only_networks_that_route_are_routed() -> None:
    assert isinstance(forwarding_for(make("fat-tree", k=4)), BridgedForwarding)


def test_fat_tree_subnets_are_neighbours_pod_by_pod() -> None:
    found = routed("fat-tree", k=4)
    assert texts(found, "h1") == ["10.0.0.2/29"]
    assert texts(found, "h2") == ["10.0.0.3/29"]
    assert texts(found, "h3") == ["10.0.0.10/29"]
    assert texts(found, "h16") == ["10.0.0.59/29"]


def test_an_edge_switch_has_its_own_address_its_subnets_and_its_links() -> None:
    found = routed("fat-tree", k=4)
    e1 = node(found, "e1")
    ports = [a.port for a in found.addresses(e1)]
    assert ports[:2] == [LOOPBACK_PORT, BRIDGE_PORT]
    assert [a.length for a in found.addresses(e1)] == [32, 29, 31, 31]
    assert texts(found, "e1")[1] == "10.0.0.1/29"
    assert found.has_bridge(e1)
    assert found.is_router(e1)
    assert not found.has_bridge(node(found, "c1"))


def test_a_hosts_default_route_goes_to_its_gateway() -> None:
    found = routed("fat-tree", k=4)
    assert [words(r) for r in found.routes(node(found, "h3"))] == [("0.0.0.0/0", ["10.0.0.9"])]
    assert found.routes(node(found, "h3"))[0].hops[0].port == 0


def test_a_core_switch_knows_each_pod_by_one_prefix() -> None:
    found = routed("fat-tree", k=4)
    tables = [words(route) for route in found.routes(node(found, "c1"))]
    subnets = [to for to, _ in tables if to.startswith("10.")]
    assert subnets == ["10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/28", "10.0.0.48/28"]
    assert "0.0.0.0/0" not in dict(tables)


def test_an_edge_switch_sends_up_by_default_over_all_uplinks() -> None:
    found = routed("fat-tree", k=4)
    tables = dict(words(route) for route in found.routes(node(found, "e1")))
    assert len(tables["0.0.0.0/0"]) == 2
    assert not any(to.startswith("10.") for to in tables)


def test_tables_of_a_large_fabric_stay_small() -> None:
    found = routed("fat-tree", k=8)
    sizes = [len(found.routes(n)) for n in np.flatnonzero(found.addressing.segments.routers).tolist()]
    assert max(sizes) < 80  # of 80 routers with 32 subnets and 256 links: 368 destinations


def test_routes_do_not_depend_on_what_was_asked_before() -> None:
    one, two = routed("torus", dims=[3, 3]), routed("torus", dims=[3, 3])
    assert one.routes(0) == two.routes(0) == one.routes(0)
    assert [one.routes(n) for n in (2, 1)] == [two.routes(2), two.routes(1)]


def test_relays_route_with_a_hosts_address_of_their_own() -> None:
    found = routed("bcube", n=4, k=1)
    first = found.addresses(node(found, "h1"))[0]
    assert (first.port, first.text, first.length) == (LOOPBACK_PORT, "10.0.0.4", 32)
    own = {found.addresses(h)[0].text for h in found.topology.hosts.tolist()}
    assert len(own) == 16
    assert all(r.source == first.packed for r in found.routes(node(found, "h1")))


def test_no_link_is_blocked_and_wires_are_addressed() -> None:
    found = routed("torus", dims=[3, 3])
    assert not blocked_links(found.topology, found.roles).any()
    wires = found.addressing.segments.wires
    assert (found.roles[wires] == Role.ADDRESSED).all()
    assert (found.roles[~wires, 0] == Role.BRIDGED).all()
    assert (found.roles[~wires, 1] == Role.ADDRESSED).all()


def test_a_router_between_two_lans() -> None:
    found = RoutedForwarding(made(TWO_LANS))
    assert texts(found, "h1") == ["10.0.0.2/29"]
    assert texts(found, "h3") == ["10.0.0.11/29"]
    r1 = found.addresses(node(found, "r1"))
    assert [(a.text, a.length) for a in r1][1:] == [("10.0.0.1", 32), ("10.0.0.9", 32)]
    assert [words(r) for r in found.routes(node(found, "r1"))][:2] == [
        ("10.0.0.0/29", ["link"]),
        ("10.0.0.8/29", ["link"]),
    ]
    assert [words(r) for r in found.routes(node(found, "r2"))] == [
        ("10.0.0.8/29", ["link"]),
        ("0.0.0.0/0", ["10.0.0.9"]),
    ]
    assert not found.is_router(node(found, "s1"))
    assert found.addresses(node(found, "s1")) == ()


def test_a_lan_with_a_loop_still_gets_a_tree() -> None:
    nodes = {"h1": {}, "r1": {"kind": "router"}, **{f"s{i}": {"kind": "switch"} for i in (1, 2, 3)}}
    links = [["h1", "s1"], ["s1", "s2"], ["s2", "s3"], ["s3", "s1"], ["s2", "r1"]]
    found = RoutedForwarding(made({"nodes": nodes, "links": links}))
    assert blocked_links(found.topology, found.roles).sum() == 1


def test_links_that_are_down_are_routed_around() -> None:
    topology = made({"generator": "ring", "k": 4}, forwarding="routed")
    up = np.ones(topology.link_count, dtype=bool)
    whole = RoutedForwarding(topology, up)
    s1, s2 = node(whole, "s1"), node(whole, "s2")
    wire = next(
        link
        for link in range(topology.link_count)
        if sorted(topology.ends[link].tolist()) == sorted((s1, s2))
    )
    up[wire] = False
    broken = RoutedForwarding(topology, up)
    gone = int(topology.ports[wire, topology.ends[wire].tolist().index(s1)])
    assert any(hop.port == gone for route in whole.routes(s1) for hop in route.hops)
    assert not any(hop.port == gone for route in broken.routes(s1) for hop in route.hops)
    assert broken.addresses(s1) == whole.addresses(s1)


def test_parallel_wires_share_the_load() -> None:
    nodes = {"h1": {}, "h2": {}, "r1": {"kind": "router"}, "r2": {"kind": "router"}}
    links = [["h1", "r1"], ["h2", "r2"], ["r1", "r2"], ["r1", "r2"], ["r1", "r2"]]
    found = RoutedForwarding(made({"nodes": nodes, "links": links}))
    assert all(len(route.hops) == 3 for route in found.routes(node(found, "r1")))


def test_static_arp_knows_exactly_who_is_on_the_wire() -> None:
    topology: Topology = made(TWO_LANS, addressing={"static_arp": True})
    found = RoutedForwarding(topology)
    r1, h1 = node(found, "r1"), node(found, "h1")
    entries = found.neighbours(h1)
    assert {str(ip_address(e.packed)) for e in entries} == {"10.0.0.1", "10.0.0.3"}
    gateway = next(e for e in entries if e.packed == bytes([10, 0, 0, 1]))
    assert gateway.mac == mac(topology, r1, 1)
    assert len(found.neighbours(r1)) == 2 + 2


def test_a_host_on_two_routers_has_an_address_on_each_and_one_gateway() -> None:
    nodes = {"h1": {}, "h2": {}, "r1": {"kind": "router"}, "r2": {"kind": "router"}}
    found = RoutedForwarding(made({"nodes": nodes, "links": [["h1", "r1"], ["h1", "r2"], ["h2", "r2"]]}))
    h1 = node(found, "h1")
    assert [a.port for a in found.addresses(h1)] == [0, 1]
    assert [words(r) for r in found.routes(h1)] == [("0.0.0.0/0", ["10.0.0.1"])]


@pytest.mark.parametrize("ipv6", [None, "fd00::/48"])
def test_both_versions_have_the_same_paths(ipv6: str | None) -> None:
    topology = made({"generator": "leaf-spine"}, forwarding="routed", addressing={"ipv6": ipv6})
    found = RoutedForwarding(topology)
    by_version = {4: 0, 16: 0}
    for route in found.routes(node(found, "leaf1")):
        by_version[len(route.packed)] += 1
    assert by_version[16] == (by_version[4] if ipv6 else 0)
