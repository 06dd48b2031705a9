"""Subnets of routed networks, and what files may and may not give by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.topologies import made, problems

from topologies.addressing import RoutedAddressing
from topologies.segments import Segments
from topologies.topology import Topology

ROUTER, SWITCH = {"kind": "router"}, {"kind": "switch"}


def two_lans(**keys: Any) -> dict[str, Any]:
    """h1, h2 - s1 - r1 - s2 - h3."""
    nodes = {"h1": {}, "h2": {}, "h3": {}, "s1": SWITCH, "s2": SWITCH, "r1": ROUTER}
    links = [["h1", "s1"], ["h2", "s1"], ["h3", "s2"], ["s1", "r1"], ["s2", "r1"]]
    return {"nodes": {**nodes, **keys}, "links": links}


def text(subnet: object) -> str:
    return str(subnet)


def subnets(topology: Topology, version: int = 4) -> list[str]:
    addressing = RoutedAddressing(topology)
    return [text(addressing.subnet(version, s)) for s in range(addressing.segments.count)]


def test_segments_of_two_lans() -> None:
    segments = Segments(made(two_lans()))
    assert (segments.count, segments.bearing) == (2, 2)
    assert segments.of_end.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0], [1, 1]]
    assert not segments.wires.any()


def test_each_segment_has_a_power_of_two() -> None:
    assert subnets(made(two_lans())) == ["10.0.0.0/29", "10.0.0.8/30"]


def test_racks_of_a_group_are_neighbours_though_their_hosts_are_not() -> None:
    topology = made({"generator": "fat-tree", "k": 4}, forwarding="routed")
    assert subnets(topology) == [f"10.0.0.{8 * n}/29" for n in range(8)]


def test_a_lan_between_routers_only_is_cut_from_the_links() -> None:
    nodes = {"h1": {}, "r1": ROUTER, "r2": ROUTER, "r3": ROUTER, "s1": SWITCH}
    links = [["h1", "r1"], ["r1", "r2"], ["r1", "s1"], ["r2", "s1"], ["r3", "s1"]]
    assert subnets(made({"nodes": nodes, "links": links})) == ["10.0.0.0/30", "172.16.0.8/29"]


def test_a_given_address_decides_its_segments_subnet() -> None:
    topology = made(two_lans(h1={"ip": "192.168.7.9/24"}))
    addressing = RoutedAddressing(topology)
    assert subnets(topology) == ["192.168.7.0/24", "10.0.0.0/30"]
    members = addressing.segments.members.node.tolist()
    values = {
        topology.names[n]: addressing.member_value(4, m) & 0xFF
        for m, n in enumerate(members)
        if addressing.segments.members.segment[m] == 0
    }
    assert values == {"r1": 1, "h1": 9, "h2": 2}


def test_computed_subnets_go_around_given_ones() -> None:
    assert subnets(made(two_lans(h1={"ip": "10.0.0.1/29"})))[1] == "10.0.0.8/30"
    assert subnets(made(two_lans(h3={"ip": "10.0.0.1/29"}))) == ["10.0.0.8/29", "10.0.0.0/29"]


def test_a_routers_address_without_hosts_is_its_own() -> None:
    nodes = {"h1": {}, "h2": {}, "r1": {"kind": "router", "ip": "10.9.9.9/24"}, "r2": ROUTER}
    topology = made({"nodes": nodes, "links": [["r1", "r2"], ["h1", "r1"], ["h2", "r2"]]})
    addressing = RoutedAddressing(topology)
    assert [a.text for a in addressing.own(2)] == ["10.9.9.9"]


def test_hosts_at_a_router_are_one_segment() -> None:
    nodes = {"h1": {"ip": "10.1.0.2/24"}, "h2": {"ip": "10.2.0.2/24"}, "r1": ROUTER}
    found = problems({"nodes": nodes, "links": [["h1", "r1"], ["h2", "r1"]]})
    (words,) = found.values()
    assert words.endswith("or put a switch between it and `r1`, whose hosts are one segment")


@pytest.mark.parametrize(
    ("nodes", "key", "words"),
    [
        (
            {"h1": {"ip": "10.1.0.2/24"}, "h2": {"ip": "10.2.0.2/24"}}, "h2",
            ("10.2.0.2/24 is not in 10.1.0.0/24, the subnet of `h1` on the same segment; "
            "use an address in it, or put a router between them"),
        ),
        (
            {"h1": {"ip": "10.1.0.2/24"}, "h2": {"ip": "10.1.0.3/25"}}, "h2",
            ("10.1.0.3/25 is not in 10.1.0.0/24, the subnet of `h1` on the same segment; "
            "use an address in it, or put a router between them"),
        ),
        (
            {"h1": {"ip": "10.1.0.2/24"}, "h3": {"ip": "10.1.0.130/25"}}, "h3",
            ("10.1.0.128/25 overlaps 10.1.0.0/24, the subnet of `h1` behind a router; "
            "give each segment its own"),
        ),
        (
            {"h1": {"ip": "10.1.0.2/24"}, "h3": {"ip": "10.1.0.2/24"}}, "h3",
            "10.1.0.2 is already used by `h1`; use another",
        ),
        (
            {"h1": {"ip": "10.1.0.255"}, "h2": {"ip": "10.1.0.2/24"}}, "h1",
            "10.1.0.255 is the first or last address of 10.1.0.0/24; use another",
        ),
        (
            {"h1": {"ip": "10.1.0.1/30"}}, "h1",
            "10.1.0.0/30 has 2 addresses for the 3 nodes on the segment; use a /29 or larger",
        ),
        (
            {"h1": {"ip": "fd00::1/64"}}, "h1",
            "is IPv6, which is off; set `addressing: {ipv6: fd00::/48}`",
        ),
    ],
)  # fmt: skip
def test_addresses_that_cannot_be(nodes: dict[str, Any], key: str, words: str) -> None:
    assert problems(two_lans(**nodes)) == {f"topology.nodes.{key}.ip": words}


@pytest.mark.parametrize(
    ("addressing", "key", "words"),
    [
        ({"ipv4": "10.0.0.0/28"}, "ipv4",
         "10.0.0.0/28 is too small for 8 subnets; use a /26 or larger"),
        ({"links": "172.16.0.0/28"}, "links",
         "172.16.0.0/28 is too small for 32 links and 0 LANs between routers; use a /26 or larger"),
        ({"loopbacks": "100.64.0.0/28"}, "loopbacks",
         "100.64.0.0/28 is too small for 20 routers; use a /27 or larger"),
        ({"ipv4": "172.16.0.0/16"}, "links",
         "172.16.0.0/12 overlaps `ipv4`, 172.16.0.0/16; give pools that are apart"),
        ({"ipv6": "fd00::/64"}, "ipv6",
         ("fd00::/64 is too small: routed networks use a /64 per segment, 11 of them here; "
         "use a /60 or larger")),
    ],
)  # fmt: skip
def test_pools_that_are_too_small(addressing: dict[str, Any], key: str, words: str) -> None:
    found = problems({"generator": "fat-tree", "k": 4}, forwarding="routed", addressing=addressing)
    assert found == {f"addressing.{key}": words}


@pytest.mark.parametrize(("pool", "length"), [("10.0.0.0", 26), ("172.16.0.0", 26), ("100.64.0.0", 27)])
def test_the_size_that_is_asked_for_is_enough(pool: str, length: int) -> None:
    key = {"10": "ipv4", "17": "links", "10.": "ipv4"}.get(pool[:2], "loopbacks")
    key = "loopbacks" if pool.startswith("100") else key
    made({"generator": "fat-tree", "k": 4}, forwarding="routed", addressing={key: f"{pool}/{length}"})


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["jellyfish", "leaf-spine", "torus", "bcube", "dcell", "region", "vl2"]),
    st.sampled_from([None, "fd00::/40"]),
)
def test_no_two_nodes_share_an_address_and_no_subnets_overlap(family: str, ipv6: str | None) -> None:
    topology = made({"generator": family}, forwarding="routed", addressing={"ipv6": ipv6})
    addressing = RoutedAddressing(topology)
    segments = addressing.segments
    for version in addressing.versions:
        used = [addressing.member_value(version, m) for m in range(len(segments.members.node))]
        used += [addressing.own_value(version, node) for node in addressing.ranking.tolist()]
        for link in segments.wires.nonzero()[0].tolist():
            used += [addressing.wire_value(version, link, end) for end in (0, 1)]
        assert len(set(used)) == len(used)
        cut = sorted(addressing.subnet(version, s) for s in range(segments.count))
        assert all(one.base + one.size <= two.base for one, two in pairwise(cut))
        for member, segment in enumerate(segments.members.segment.tolist()):
            assert addressing.member_value(version, member) in addressing.subnet(version, segment).usable
