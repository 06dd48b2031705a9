"""Parsing of netlink answers, and the comparison of one node with what its plan wants."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from emulator.deviation import Deviation, missing
from emulator.indices import BRIDGE_INDEX
from emulator.linux.netlink.messages import attribute, link_body, nested, u32
from emulator.linux.observed import parse
from emulator.linux.observed.compare import NodeComparison, NodeFindings
from emulator.linux.observed.parse import Found, FoundInterface, FoundRoute
from emulator.linux.observed.wanted import WantedState, queues_of
from emulator.network import LinkState
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

ROUTED = """\
name: n
forwarding: routed
topology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 1}
"""


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text(text)), "netns")


def as_wanted(wanted: WantedState, node: int) -> Found:
    """Return what the kernel holds of a node that is whole."""
    settings, ports = wanted.node(node)
    found = Found(forwards={2: True}, addresses={(1, b"\x7f\0\0\1", 8)})
    found.interfaces["lo"] = FoundInterface(1, bytes(6), 65536, up=True, master=0, peer=0, kind="")
    if settings.mac:
        found.interfaces[settings.name] = FoundInterface(
            BRIDGE_INDEX, settings.mac, 1500, up=True, master=0, peer=0, kind="bridge", options=(0, 0, 0)
        )
    for port in ports:
        one = port.settings
        master = BRIDGE_INDEX if one.bridged else 0
        found.interfaces[port.name] = FoundInterface(
            one.interface, one.mac, one.mtu, up=not port.cut, master=master, peer=port.peer, kind="veth"
        )
        if queues_of(one.shape, one.mtu):
            found.queues[one.interface] = queues_of(one.shape, one.mtu)
    for address in settings.addresses:
        index = settings.index(address.port)
        found.addresses.add((index, address.packed, address.length))
        network = address.value >> (32 - address.length) << (32 - address.length)
        found.connected.add((network.to_bytes(4, "big"), address.length, index))
    for route in settings.routes:
        hops = frozenset((settings.index(hop.port), hop.gateway) for hop in route.hops)
        found.routes[route.packed, route.length] = [
            FoundRoute(route.packed, route.length, hops, route.source, by_kernel=False)
        ]
    return found


def compared(wanted: WantedState, node: int, found: Found) -> NodeFindings:
    settings, ports = wanted.node(node)
    router = wanted.plan.forwarding.is_router(node)
    bridge = settings.name if settings.mac else ""
    return NodeComparison(settings, ports, found, bridge=bridge, forwards=(2,) if router else ()).findings()


@pytest.fixture
def wanted() -> WantedState:
    return WantedState(plan_of(ROUTED), {})


def test_nodes_that_are_whole_have_no_deviations(wanted: WantedState) -> None:
    for node in range(wanted.plan.topology.node_count):
        assert compared(wanted, node, as_wanted(wanted, node)).is_whole


def test_each_fault_is_told_and_nothing_else(wanted: WantedState) -> None:
    leaf = list(wanted.plan.topology.names).index("leaf1")
    _, ports = wanted.node(leaf)
    name, link = next((p.name, p.link) for p in ports if not p.settings.bridged)
    assert as_wanted(wanted, leaf).routes, "a leaf has routes"

    found = as_wanted(wanted, leaf)
    found.interfaces[name] = found.interfaces[name]._replace(mtu=1400, mac=b"\2aaaaa")
    assert {one.object for one in compared(wanted, leaf, found).deviations} == {
        f"MTU of {name}",
        f"MAC of {name}",
    }

    found = as_wanted(wanted, leaf)
    del found.interfaces[name]
    findings = compared(wanted, leaf, found)
    assert (findings.lost, findings.deviations) == ([link], [])

    found = as_wanted(wanted, leaf)
    found.interfaces[name] = found.interfaces[name]._replace(up=False)
    assert [str(one) for one in compared(wanted, leaf, found).deviations] == [f"port {name} is down"]

    found = as_wanted(wanted, leaf)
    found.forwards[2] = False
    assert [one.object for one in compared(wanted, leaf, found).deviations] == ["forwarding of IPv4"]

    found = as_wanted(wanted, leaf)
    found.interfaces[name] = found.interfaces[name]._replace(master=77)
    assert [one.found for one in compared(wanted, leaf, found).deviations] == ["a port of interface 77"]

    found = as_wanted(wanted, leaf)
    found.interfaces[name] = found.interfaces[name]._replace(peer=9999)
    assert compared(wanted, leaf, found).lost == [link]


def test_every_route_and_address_that_goes_is_told(wanted: WantedState) -> None:
    for node in range(wanted.plan.topology.node_count):
        for key in list(as_wanted(wanted, node).routes):
            found = as_wanted(wanted, node)
            del found.routes[key]
            assert len(compared(wanted, node, found).deviations) == 1
        for one in list(as_wanted(wanted, node).addresses):
            found = as_wanted(wanted, node)
            found.addresses.remove(one)
            assert [d.found for d in compared(wanted, node, found).deviations] == ["missing"]
        for one in list(as_wanted(wanted, node).connected):
            if one[1] == 32:
                continue
            found = as_wanted(wanted, node)
            found.connected.remove(one)
            findings = compared(wanted, node, found)
            assert len(findings.stale) == len(findings.deviations) == 1


def test_a_route_that_lost_a_hop_is_told() -> None:
    wanted = WantedState(plan_of(ROUTED), {})
    leaf = list(wanted.plan.topology.names).index("leaf1")
    found = as_wanted(wanted, leaf)
    key, route = next((k, r[0]) for k, r in found.routes.items() if len(r[0].hops) == 2)
    found.routes[key] = [route._replace(hops=frozenset(list(route.hops)[:1]))]
    (deviation,) = compared(wanted, leaf, found).deviations
    assert deviation.expected.count("via") == 2
    assert deviation.found.count("via") == 1


def test_a_link_cut_on_purpose_is_no_deviation_and_one_that_came_up_is() -> None:
    plan = plan_of(ROUTED)
    link = int(plan.topology.link_count) - 1
    states = {link: LinkState(up=False)}
    up = [i != link for i in range(plan.topology.link_count)]

    wanted = WantedState(make_plan(plan.topology, "netns", up=np.array(up)), states)
    node = int(plan.topology.ends[link, 0])
    found = as_wanted(wanted, node)
    assert compared(wanted, node, found).is_whole
    port = next(port for port in wanted.node(node)[1] if port.link == link)
    found.interfaces[port.name] = found.interfaces[port.name]._replace(up=True)
    assert str(compared(wanted, node, found).deviations[0]).endswith("expected down, found up")


def test_a_live_shape_is_what_is_wanted() -> None:
    plan = plan_of("name: n\ntopology: {generator: single, hosts: 1}\n")
    slow = Shape(bandwidth=1e6)
    wanted = WantedState(plan, {0: LinkState(forward=slow, backward=slow)})
    host = list(plan.topology.names).index("h1")
    found = as_wanted(wanted, host)
    assert compared(wanted, host, found).is_whole
    found.queues.clear()
    assert [one.object for one in compared(wanted, host, found).deviations] == ["queue of h1-eth0"]


@pytest.mark.parametrize(
    "shape",
    [
        Shape(bandwidth=1e7),
        Shape(bandwidth=4e10),
        Shape(delay=0.005, jitter=0.001, loss=0.01),
        Shape(bandwidth=1e6, delay=300.0, reorder=0.5, corrupt=0.1, duplicate=0.2),
        Shape(queue=7),
    ],
)
def test_what_a_shape_becomes_differs_from_every_neighbour_of_it(shape: Shape) -> None:
    own = queues_of(shape, 1500)
    assert own
    for key, value in (("bandwidth", 2e7), ("delay", 0.1), ("loss", 0.2), ("queue", 9), ("corrupt", 0.3)):
        assert queues_of(replace(shape, **{key: value}), 1500) != own


def test_messages_are_taken_apart() -> None:
    body = (
        link_body(7, flags=1)
        + attribute(3, b"h1-eth0\0")
        + attribute(1, b"\2abcde")
        + u32(4, 9000)
        + u32(10, 2)
    )
    body += u32(5, 12) + nested(18, attribute(1, b"veth\0"))
    assert parse.interface(body) == (
        "h1-eth0", FoundInterface(7, b"\2abcde", 9000, up=True, master=2, peer=12, kind="veth")
    )  # fmt: skip
    assert parse.address(struct.pack("=BBBBi", 2, 8, 0, 0, 10) + attribute(2, b"\n\0\0\1")) == (
        10,
        b"\n\0\0\1",
        8,
    )
    hops = struct.pack("=HBBi", 16, 0, 0, 10) + attribute(5, b"\n\0\0\1") + struct.pack("=HBBi", 8, 0, 0, 12)
    head = struct.pack("=BBBBBBBBI", 2, 8, 0, 0, 254, 4, 0, 1, 0)
    assert parse.route(head + attribute(1, b"\n\0\0\0") + attribute(9, hops)) == FoundRoute(
        b"\n\0\0\0", 8, frozenset({(10, b"\n\0\0\1"), (12, None)}), None, by_kernel=False
    )
    assert parse.route(struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 255, 2, 0, 2, 0)) is None
    learned = struct.pack("=BxxxiHBB", 2, 10, 2, 0, 1)
    assert parse.neighbour(learned + attribute(1, b"\n\0\0\2")) is None
    noqueue = struct.pack("=BxxxiIII", 0, 10, 0, 0xFFFFFFFF, 2) + attribute(1, b"noqueue\0")
    assert parse.queue(noqueue) is None


def test_deviations_say_themselves() -> None:
    assert str(missing("h1", "node h1")) == "node h1 is missing"
    assert str(Deviation("h1", "MTU of x", "1500", "1400")) == "h1: MTU of x: expected 1500, found 1400"
