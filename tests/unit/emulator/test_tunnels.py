"""Tunnels between workers: numbers, addresses, MTU, by the plan alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emulator.placement.worker import numbered
from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import tunnelled_links, wide_links, with_domain_mtu
from emulator.tunnels import TunnelEnd, Underlay
from topologies.build import build
from topologies.spec.load import load_text

OPTIONS: dict[str, Any] = {"underlay": {"vni": 700, "addresses": {"w1": "10.0.0.1", "w2": "10.0.0.2"}}}


def plan_of(text: str, options: dict[str, Any] = OPTIONS) -> Plan:
    return make_plan(build(load_text(f"name: t\n{text}")), "netns", 2, options=options)


def placed(text: str, on_w2: list[str], options: dict[str, Any] = OPTIONS) -> Plan:
    plan = plan_of(text, options)
    placement = np.zeros(plan.topology.node_count, dtype=np.int32)
    placement[[plan.topology.names.index(name) for name in on_w2]] = 1
    return replace(plan, placement=placement)


def test_both_workers_number_a_tunnel_alike_and_name_each_other() -> None:
    plan = plan_of("topology: {generator: ring, k: 5}")
    cut = np.flatnonzero(plan.cut).tolist()
    assert len(cut) > 1
    for rank, link in enumerate(cut):
        one, other = (plan.part(worker).tunnel(link) for worker in (0, 1))
        assert one == TunnelEnd(700 + rank, 4789, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), "")
        assert other == TunnelEnd(700 + rank, 4789, bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]), "")
    inner = plan.part(0).links.tolist()[0]
    assert plan.part(0).tunnel(inner) is None


def test_a_part_of_a_part_keeps_the_tunnels_among_its_links() -> None:
    part = plan_of("topology: {generator: ring, k: 5}").part(0)
    link = int(part.tunnels.link[1])
    few = part.only(np.array([part.nodes[row] for row in part.tunnel_rows[1:2]]), np.array([link]))
    assert few.links.tolist() == []
    assert few.tunnel(link) == part.tunnel(link)
    assert few.ends_here(link) == part.ends_here(link)


def test_ends_here_are_those_of_this_machine() -> None:
    plan = plan_of("topology: {generator: ring, k: 5}")
    topology = plan.topology
    for link in range(topology.link_count):
        found = [[(e.node, e.port) for e in plan.part(worker).ends_here(link)] for worker in (0, 1)]
        ends = list(zip(topology.ends[link].tolist(), topology.ports[link].tolist(), strict=True))
        assert sorted(found[0] + found[1]) == sorted(ends)
        assert len(found[0]) == int(np.count_nonzero(plan.placement[topology.ends[link]] == 0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"addresses": {"w1": "10.0.0.1"}}, "no underlay address for w2"),
        ({"addresses": {"w1": "10.0.0.1", "w2": "fd00::2"}}, "IPv4 and IPv6"),
        ({"addresses": {"w1": "10.0.0.1", "w2": "far"}}, "`far` is no"),
    ],
)
def test_an_incomplete_underlay_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Underlay.of({"underlay": {**OPTIONS["underlay"], **change}}, numbered(2))


def test_vxlan_takes_50_bytes_over_ipv4_and_70_over_ipv6() -> None:
    """RFC 7348: Ethernet 14, VXLAN 8, UDP 8; IPv4 20, IPv6 40."""
    for addresses, most in ((["10.0.0.1", "10.0.0.2"], 1450), (["fd00::1", "fd00::2"], 1430)):
        options = {"vni": 1, "addresses": dict(zip(("w1", "w2"), addresses, strict=True))}
        found = Underlay.of({"underlay": options}, numbered(2))
        assert found is not None
        assert found.tunnel_mtu == most


TREE = "topology: {generator: tree, depth: 2, fanout: 2}"


def test_all_links_of_a_bridged_network_get_the_mtu_of_its_tunnels() -> None:
    plan = with_domain_mtu(placed(TREE, ["s3", "h3", "h4"]))
    assert {plan.topology.link_profiles[n].mtu for n in plan.topology.link_profile.tolist()} == {1450}
    assert any("MTU 1,450 on 6 links" in words for words in plan.warnings)
    assert with_domain_mtu(plan) is plan
    assert not wide_links(plan)


def test_links_behind_a_router_keep_their_mtu() -> None:
    """s2 with its hosts, and s3 with its own, are domains; the links s1-s2 and s1-s3 are wires of routers."""
    plan = with_domain_mtu(placed(f"forwarding: routed\n{TREE}", ["s3", "h3", "h4"]))
    names, topology = plan.topology.names, plan.topology
    narrow = {
        frozenset((names[a], names[b]))
        for (a, b), number in zip(topology.ends.tolist(), topology.link_profile.tolist(), strict=True)
        if topology.link_profiles[number].mtu == 1450
    }
    assert narrow == {frozenset(("s1", "s3"))}
    host = with_domain_mtu(placed(f"forwarding: routed\n{TREE}", ["h3"]))
    mtus = [host.topology.link_profiles[n].mtu for n in host.topology.link_profile.tolist()]
    assert mtus.count(1450) == 2  # both hosts of s3: one domain


def test_an_mtu_of_the_file_stays_and_is_refused_where_it_is_too_large() -> None:
    rules = "links: [{match: {between: [h1, switch]}, mtu: 1500}, {match: {between: [h2, switch]}, mtu: 999}]"
    plan = with_domain_mtu(placed(f"{rules}\n{TREE}", ["s3", "h3", "h4"]))
    mtus = sorted(plan.topology.link_profiles[n].effective_mtu for n in plan.topology.link_profile.tolist())
    assert mtus == [999, 1450, 1450, 1450, 1450, 1500]
    (reason,) = wide_links(plan)
    assert "h1" in reason
    assert "1,450" in reason


def test_without_tunnels_nothing_changes() -> None:
    plan = placed(TREE, [])
    assert with_domain_mtu(plan) is plan
    assert not tunnelled_links(plan.topology, plan.cut).any()
    alone = placed(TREE, ["h1"], {})
    assert with_domain_mtu(alone) is alone
