"""Routes of the file beside computed ones: for one node as for many, refused where the network forwards."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest

from emulator.engine_options import engine_plan
from emulator.forwarding.base import Hop, Route
from emulator.plan import Plan
from topologies.build import build
from topologies.errors import InputError
from topologies.spec.load import load_text

FLAT = """
name: routes
addressing: {ipv4: 10.0.0.0/24, ipv6: "fd00::/64"}
topology: {generator: single, hosts: 3}
nodes:
"""


def plan_of(text: str, head: str = FLAT) -> Plan:
    document = load_text(head + text)
    return engine_plan(document, build(document), "netns")


def test_gateways_and_routes_are_merged_by_rules() -> None:
    plan = plan_of("""
  - {match: {kind: host}, gateway: [10.0.0.3, "fd00::3"], routes: {192.168.0.0/16: 10.0.0.3}}
  - {match: {name: h2}, gateway: 10.0.0.1, routes: {192.168.0.0/16: null, 172.20.0.0/24: 10.0.0.1}}
  - {match: {name: h3}, gateway: [], routes: {192.168.0.0/16: null}}
""")
    third, sixth, first = bytes((10, 0, 0, 3)), bytes.fromhex("fd00" + "0" * 27 + "3"), bytes((10, 0, 0, 1))
    assert plan.forwarding.routes(1) == (
        Route(bytes(4), 0, (Hop(0, third),)),
        Route(bytes(16), 0, (Hop(0, sixth),)),
        Route(bytes((192, 168, 0, 0)), 16, (Hop(0, third),)),
    )
    assert plan.forwarding.routes(2) == (
        Route(bytes(4), 0, (Hop(0, first),)),
        Route(bytes((172, 20, 0, 0)), 24, (Hop(0, first),)),
    )
    assert plan.forwarding.routes(3) == ()
    nodes = np.arange(plan.topology.node_count)
    columns = plan.forwarding.route_columns(nodes)
    assert [columns.of(node) for node in nodes.tolist()] == [
        plan.forwarding.routes(n) for n in nodes.tolist()
    ]


def test_a_file_without_routes_has_the_computed_forwarding_alone() -> None:
    assert type(plan_of("  - {}").forwarding).__name__ == "BridgedForwarding"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("gateway: 10.0.0.1", "10.0.0.1 is no neighbour of `h1`, which has 10.0.0.1/24, fd00::1/64"),
        ("gateway: 10.0.1.1", "10.0.1.1 is no neighbour of `h1`"),
        ("routes: {10.0.0.0/25: 10.0.0.2}", "the network forwards to 10.0.0.0/24 by itself"),
        ('routes: {"fd00::/96": "fd00::2"}', "the network forwards to fd00::/64 by itself"),
        ('routes: {"fd01::/64": "fd02::1"}', "fd02::1 is no neighbour"),
    ],
)
def test_impossible_routes_are_refused_at_their_place(rule: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_of(f"  - {{match: {{name: h1}}, {rule}}}")
    assert str(caught.value).startswith(f"<text>:6:25: nodes[0].{rule.partition(':')[0]}: {words}")


def test_a_routed_network_has_default_routes_of_its_own() -> None:
    routed = "name: r\nforwarding: routed\ntopology: {generator: linear, k: 2}\nnodes:\n"
    computed = plan_of("  - {}", routed).forwarding.routes(2)
    gateway = ipaddress.ip_address(computed[-1].hops[0].gateway or b"")
    words = rf"`h1` has a default route already, by {gateway}: .* leave it out"
    with pytest.raises(InputError, match=words):
        plan_of("  - {match: {name: h1}, gateway: 10.0.0.9}", routed)
    plan = plan_of(f"  - {{match: {{name: h1}}, gateway: {gateway}}}", routed)
    assert plan.topology.names[2] == "h1"
    assert plan.forwarding.routes(2) == computed  # said twice is one route
    assert plan.forwarding.route_columns(np.array([2])).of(0) == computed
