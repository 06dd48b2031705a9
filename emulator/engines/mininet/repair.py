"""Repair deviations of a running Mininet network, through Mininet."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.engines.driven.client import Driver
from emulator.engines.driven.node_lines import after_up, device, is_switch, node_lines, program_name
from emulator.engines.mininet.create import Creator
from emulator.engines.mininet.delete import delete_what_is_there
from emulator.engines.mininet.document import document, end_document, soft_switches
from emulator.engines.mininet.local import LocalNodes
from emulator.engines.mininet.survey import strays_and_left
from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from emulator.indices import LOOPBACK_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.namespace_reset import allow_ipv6, reset_namespaces
from emulator.linux.observed.findings import UNLIKE, NodeFindings
from emulator.linux.observed.survey import Damage
from emulator.linux.observed.wanted import WantedState
from emulator.network import silent
from emulator.ovs.planned_bridges import bridges_of
from topologies.identifiers import interface_name


def repair(wanted: WantedState, driver: Driver, store: NamespaceStore, damage: Damage) -> None:
    """Repair what `damage` lists. Call inside the store's mount namespace."""
    plan = wanted.plan
    whole = document(plan, bridges_of(plan))
    names = list(whole.links)
    links = [names[link] for link in damage.links]
    allow_ipv6(plan.namespaces, store, damage)
    local = LocalNodes(plan, store)
    delete_what_is_there(plan, damage.nodes, links, driver, local)
    Creator(plan, whole, driver, local, silent).create(damage.nodes, links, partly=True)
    for node, findings in damage.findings.items():
        _repair_node(wanted, driver, node, findings)
    local.forward_again(node for node, findings in damage.findings.items() if findings.not_forwarding)
    reset_namespaces(plan.namespaces, store, damage)


def _repair_node(wanted: WantedState, driver: Driver, node: int, findings: NodeFindings) -> None:
    """Apply the plan's settings to an existing node; applying a correct setting again is harmless."""
    topology = wanted.plan.topology
    ports = {number: interface_name(topology, node, number) for number in findings.wanted.ports}
    strays, left = strays_and_left(findings, ports)
    driver.ask(("move", {"out": strays, "into": left, "partly": True}))
    for names, up in ((findings.raised, False), (findings.down, True)):
        driver.ask(("ports", {"names": [ports[number] for number in names], "up": up, "partly": True}))
    lines = _lines(wanted, node, findings, ports)
    if lines:
        driver.ask(("batch", {"name": program_name(wanted.plan, node), "lines": lines, "harmless": True}))
    unlike = [number for number, port in findings.found.ports.items() if port.shape is UNLIKE]
    if unlike:
        driver.ask(("shape", {"ends": _ends(wanted, node, findings, unlike), "partly": True}))


def _lines(wanted: WantedState, node: int, findings: NodeFindings, ports: Mapping[int, str]) -> list[str]:
    """Return the lines for `ip -batch`: MACs and MTUs, devices up, then all other settings of the node."""
    plan = wanted.plan
    lines = []
    for number, found in findings.found.ports.items():
        port = findings.wanted.ports[number]
        if found.mac != port.mac:
            lines.append(f"link set dev {ports[number]} address {port.mac.hex(':')}")
        if found.mtu != port.mtu:
            lines.append(f"link set dev {ports[number]} mtu {port.mtu}")
    if findings.unlike_bridge:
        words = " ".join(f"{option} {value}" for option, value in findings.unlike_bridge.items())
        lines.append(f"link set dev {device(plan.topology, node, BRIDGE_PORT)} type bridge {words}")
    lines += _port_lines(findings, ports)
    for index in findings.devices_down:
        which = LOOPBACK_PORT if index == LOOPBACK_INDEX else BRIDGE_PORT
        lines.append(f"link set dev {device(plan.topology, node, which)} up")
    lines += [
        f"addr del {address.text}/{address.length} dev {device(plan.topology, node, address.port)}"
        for address in findings.stale
    ]
    own = list(node_lines(plan, node))
    if not findings.no_bridge:
        own = [line for line in own if not line.startswith("link add ")]
    lines += own
    if findings.down and not is_switch(plan, node):
        lines += after_up(plan, node)
    return lines


def _port_lines(findings: NodeFindings, ports: Mapping[int, str]) -> list[str]:
    """Return the lines that set options of ports."""
    lines = []
    for number, options in findings.unlike_ports.items():
        bridged = {option: value for option, value in options.items() if option != "arp"}
        if "arp" in options:
            lines.append(f"link set dev {ports[number]} arp on")
        if bridged:
            words = " ".join(f"{option} {_bridge_word(option, value)}" for option, value in bridged.items())
            lines.append(f"link set dev {ports[number]} type bridge_slave {words}")
    return lines


def _bridge_word(option: str, value: int) -> str:
    return str(value) if option == "state" else ("off", "on")[value]


def _ends(
    wanted: WantedState, node: int, findings: NodeFindings, numbers: list[int]
) -> list[dict[str, object]]:
    """Return the documents of the ends of `node` with a wrong shape."""
    plan = wanted.plan
    topology, soft = plan.topology, soft_switches(bridges_of(plan))
    return [
        end_document(plan, link, end, soft, findings.wanted.ports[number].shape)
        for link, end, number in topology.incident(node)
        if number in numbers
    ]
