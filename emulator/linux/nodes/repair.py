"""Restore a running network to its plan where the kernel differs from it.

The cause doesn't matter: a killed stress run, another killed command, or a manual `ip link`. The repair
depends only on the kernel's state, not on the memory of a dead process.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

import numpy as np

from emulator.difference import Difference
from emulator.indices import BRIDGE_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.settings_messages import add_address
from emulator.linux.nodes.converge import converge
from emulator.linux.nodes.link_messages import LinkMessages
from emulator.linux.nodes.namespace_reset import allow_ipv6, reset_namespaces
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.partial_routes import run_partly
from emulator.linux.observed.findings import NodeFindings
from emulator.linux.observed.survey import Damage
from emulator.plan import Plan
from topologies.identifiers import bridge_name, interface_name

_HARMLESS = frozenset({errno.EEXIST, errno.EADDRNOTAVAIL, errno.ESRCH})


def repair(plan: Plan, store: NamespaceStore, damage: Damage) -> None:
    """Restore the state in `plan` where `damage` reports deviations.

    Call inside the store's mount namespace. Raises KernelError when the kernel refuses an operation.
    """
    topology, here = plan.topology, plan.here
    mask = np.zeros(topology.link_count, dtype=bool)
    mask[damage.links] = True
    lost = set(damage.nodes)
    halves = [
        (topology.names[found.node], found.ifindex)
        for link in damage.links
        for found in here.ends_here(link)
        if found.node not in lost
    ]
    writer = LinkMessages(here)
    allow_ipv6(plan.namespaces, store, damage)
    _each(plan, store, damage, lambda node, findings: _devices(plan, node, findings))
    kept = [(findings.found, findings.wanted) for findings in damage.findings.values()]
    change = Difference(new_nodes=damage.nodes, new_links=mask, gone_links=halves, kept=kept)
    converge(here, change, store, partly=True)
    _each(plan, store, damage, lambda node, findings: _ports(plan, writer, node, findings))
    _forward_again(plan, store, damage)
    reset_namespaces(plan.namespaces, store, damage)


def _each(
    plan: Plan, store: NamespaceStore, damage: Damage, batch_of: Callable[[int, NodeFindings], Batch]
) -> None:
    """Send each damaged node the batch that `batch_of` writes for it."""
    for node, findings in damage.findings.items():
        batch = batch_of(node, findings)
        if batch:
            store.go(plan.namespaces.file(node))
            with Netlink() as netlink:
                run_partly(netlink, plan.here, node, batch, _HARMLESS)


def _devices(plan: Plan, node: int, findings: NodeFindings) -> Batch:
    """Append the prerequisites of other settings: the bridge, devices up, addresses added again."""
    batch, name = Batch(), plan.topology.names[node]
    if findings.no_bridge:
        bridge = bridge_name(plan.topology, node)
        batch.add(
            bridge_messages.bridge(bridge.encode(), BRIDGE_INDEX, findings.wanted.mac), "make bridge", bridge
        )
    elif findings.unlike_bridge:
        batch.add(
            bridge_messages.bridge_options(BRIDGE_INDEX, findings.unlike_bridge),
            "set options of the bridge of",
            name,
        )
    for index in findings.devices_down:
        batch.add(messages.link_up(index), "bring up a device of", name)
    for port in (port for port, options in findings.unlike_ports.items() if "arp" in options):
        words = interface_name(plan.topology, node, port)  # before neighbours: the kernel drops them with it
        batch.add(messages.link_arp(plan.indices.of(node, port)), "switch ARP on for", words)
    for address in findings.stale:
        index = findings.wanted.index(address.port)
        taken = messages.address(index, address.packed, address.length, delete=True)
        batch.add(taken, f"take {address.text} from", name)
        add_address(batch, index, address, name)
    return batch


def _ports(plan: Plan, writer: LinkMessages, node: int, findings: NodeFindings) -> Batch:
    """Append messages that bring ports down and up, and restore objects dropped with ports that were down."""
    batch = Batch()
    for up, ports in ((False, findings.raised), (True, findings.down)):
        for port in ports:
            words = "bring up" if up else "bring down"
            index, name = plan.indices.of(node, port), interface_name(plan.topology, node, port)
            batch.add(messages.link_up(index, up=up), words, name)
    for port, options in findings.unlike_ports.items():
        index, name = plan.indices.of(node, port), interface_name(plan.topology, node, port)
        bridged = {option: value for option, value in options.items() if option != "arp"}
        if bridged:
            batch.add(bridge_messages.port_options(index, bridged), "set options of", name)
    for port in findings.down:
        writer.after_up(batch, node, port)
    return batch


def _forward_again(plan: Plan, store: NamespaceStore, damage: Damage) -> None:
    nodes = [node for node, findings in damage.findings.items() if findings.not_forwarding]
    with NodeSysctls(plan.here) as sysctls:
        for node in nodes:
            store.go(plan.namespaces.file(node))
            sysctls.apply(node)
