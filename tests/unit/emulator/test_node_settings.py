"""What a plan sets one node to."""

from __future__ import annotations

from emulator.forwarding.base import BRIDGE_PORT
from emulator.node_settings import NodeSettings, node_settings
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text

RING = "name: r\ntopology: {generator: ring, k: 4, hosts_per_switch: 1}\n"
OPEN_VSWITCH = RING + "nodes:\n  - {match: {kind: switch}, switch: ovs}\n"


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text(text)), "netns")


def settings_of(plan: Plan, name: str, links: frozenset[int] | None = None) -> NodeSettings:
    return node_settings(plan, plan.topology.names.index(name), links)


def bridged(text: str) -> int:
    plan = plan_of(text)
    return sum(p.bridged for n in ("s1", "s2", "s3", "s4") for p in settings_of(plan, n).ports.values())


def test_ports_of_a_bridge_are_bridged_but_for_the_blocked_link() -> None:
    assert bridged(RING) == 4 + 2 * 3  # four hosts, and three of the ring's four links


def test_the_kernel_bridges_no_port_of_open_vswitch() -> None:
    plan = plan_of(OPEN_VSWITCH)
    assert bridged(OPEN_VSWITCH) == 0
    assert len(settings_of(plan, "s1").ports) == 3
    assert settings_of(plan, "s1").mac == b""


def test_a_host_has_no_bridge_and_keeps_its_addresses_on_its_port() -> None:
    settings = settings_of(plan_of(RING), "h1")
    assert settings.mac == b""
    assert [port.bridged for port in settings.ports.values()] == [False]
    assert {address.port for address in settings.addresses} == set(settings.ports)


def test_only_ports_of_the_links_asked_for_count() -> None:
    plan = plan_of(RING)
    first = settings_of(plan, "s1", frozenset([0]))
    assert len(first.ports) <= 1 < len(settings_of(plan, "s1").ports)
    assert first.index(BRIDGE_PORT) == settings_of(plan, "s1").index(BRIDGE_PORT)
