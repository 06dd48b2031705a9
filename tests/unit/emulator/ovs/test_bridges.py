"""Which ports and settings the bridges of a plan have."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.ovs.bridges import USERSPACE, Bridge, bridges
from emulator.ovs.checksums import userspace_ports
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text

RING = "topology: {generator: ring, k: 4}"


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text("name: t\nswitch: ovs\n" + text)), "netns")


def found(plan: Plan) -> dict[str, Bridge]:
    return {bridge.name: bridge for bridge in bridges(plan, lambda _: USERSPACE).values()}


def port_count(openflow: str) -> int:
    return sum(len(bridge.ports) for bridge in found(plan_of(f"openflow: {openflow}\n{RING}")).values())


ALL, TREE = 4 + 8, 4 + 6
"""Ports of the ring: a host each, and both ends of four links, of which one is blocked."""


@pytest.mark.parametrize(
    ("openflow", "ports"),
    [
        ("{}", TREE),
        ("{controller: learning}", TREE),
        ("{controller: [learning, {remote: 10.0.0.1}]}", TREE),
        ("{controller: {remote: 10.0.0.1}, fail_mode: standalone}", TREE),
        ("{controller: {remote: 10.0.0.1}}", ALL),
        ("{controller: {command: ./app}}", ALL),
        ("{flows: tree}", ALL),
        ("{flows: ecmp}", ALL),
        ("{fail_mode: secure}", ALL),
    ],
)
def test_who_learns_gets_a_tree_and_who_computes_gets_all(openflow: str, ports: int) -> None:
    assert port_count(openflow) == ports


def test_a_link_that_is_down_keeps_its_ports_and_opens_the_blocked_one() -> None:
    plan = plan_of(RING)
    up = np.ones(plan.topology.link_count, dtype=bool)
    up[plan.topology.ends.tolist().index([0, 1])] = False
    around = make_plan(plan.topology, "netns", up=up)
    assert sum(len(bridge.ports) for bridge in found(around).values()) == ALL


def test_ports_have_their_numbers_and_computed_flows_their_version() -> None:
    some = found(plan_of(RING))
    assert some["s1"].ports["s1-eth1"] == 1
    assert some["s1"].fail_mode == "standalone"
    computed = found(plan_of("openflow: {flows: tree}\n" + RING))
    assert computed["s1"].protocols == ("OpenFlow13", "OpenFlow15")
    assert computed["s1"].fail_mode == "secure"


def test_switches_share_a_controller_by_one_target() -> None:
    some = found(plan_of("openflow: {controller: learning}\n" + RING))
    assert {bridge.controllers for bridge in some.values()} == {("tcp:127.0.0.1:6653",)}


def test_links_that_all_may_use_are_not_called_blocked() -> None:
    assert plan_of(RING).blocked.sum() == 1
    assert plan_of("openflow: {flows: tree}\n" + RING).blocked.sum() == 1
    assert plan_of("openflow: {flows: ecmp}\n" + RING).blocked.sum() == 0
    assert plan_of("openflow: {controller: {remote: 10.0.0.1}}\n" + RING).blocked.sum() == 0


def test_what_faces_user_space_computes_checksums_and_nothing_else_does() -> None:
    plan = plan_of("nodes: [{match: {name: s2}, switch: bridge}]\n" + RING)
    names = plan.topology.names
    ports = userspace_ports(plan.topology, bridges(plan, lambda _: USERSPACE))
    assert sorted(names[node] for node in ports) == ["h1", "h3", "h4", "s2"]
    assert sorted(ports[names.index("s2")]) == ["s2-eth2", "s2-eth3"]
    assert userspace_ports(plan.topology, bridges(plan, lambda _: "system")) == {}
