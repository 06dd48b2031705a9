"""Tell controllers that the engine didn't start which hosts a changed file moved.

Such a controller may keep its own table of addresses. It learns from a port-status message that a port
is gone, if it listens to these. So moved hosts announce themselves, as a migrated virtual machine does
(an ARP announcement, RFC 5227, section 3). Then the flows for their addresses are deleted, and the next
packet goes to the controller again. Its other flows stay: it may have written them once and for all.
"""

from __future__ import annotations

import socket
import struct
import time

import numpy as np

from emulator.difference import link_keys
from emulator.linux.namespaces.store import NamespaceStore
from emulator.ovs.flows import change_flows
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from topologies.identifiers import interface_name, mac
from topologies.topology import Kind

_HEARD_WITHIN = 0.3
_ARP = 0x0806
_MOST = 1_000
"""Number of moved hosts above which none is announced: nearly all is new then and learned from traffic."""

Port = tuple[int, int]
"""(node, port) of the new plan."""


def moved_ports(old: Plan, new: Plan) -> list[Port]:
    """Return the ports of hosts that have a new link."""
    topology = new.topology
    before = link_keys(old.topology)
    fresh = [link for key, link in link_keys(topology).items() if key not in before]
    rows = zip(topology.ends[fresh].ravel().tolist(), topology.ports[fresh].ravel().tolist(), strict=True)
    hosts = set(np.flatnonzero(topology.kinds == Kind.HOST).tolist())
    return [(node, port) for node, port in rows if node in hosts]


def announce_moved(switches: Switches, store: NamespaceStore, old: Plan, new: Plan) -> None:
    """Make other controllers find moved hosts; call it when their switches are connected."""
    topology = new.topology
    foreign = {
        bridge.name: bridge.protocols
        for node, bridge in bridges_of(new).items()
        if any(each.kind != "learning" for each in topology.node_profile_of(node).openflow.controllers)
    }
    ports = moved_ports(old, new) if foreign else []
    if not ports or len(ports) > _MOST:
        return
    with store.entered():
        for node, port in ports:
            if new.here.has(node):
                store.go(new.namespaces.file(node))
                _announce(new, node, port)
    time.sleep(_HEARD_WITHIN)
    lines = []
    for node, port in ports:
        text = ":".join(f"{byte:02x}" for byte in mac(topology, node, port))
        lines += [f"delete dl_src={text}", f"delete dl_dst={text}"]
    change_flows(switches.servers, {name: (protocols, lines) for name, protocols in foreign.items()})


def _announce(plan: Plan, node: int, port: int) -> None:
    """Send an ARP announcement out of a port of the node whose namespace this thread is in."""
    own = mac(plan.topology, node, port)
    addresses = [a.packed for a in plan.forwarding.addresses(node) if a.port == port and len(a.packed) == 4]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface_name(plan.topology, node, port), _ARP))
        for packed in addresses or [bytes(4)]:
            head = b"\xff" * 6 + own + struct.pack("!H", _ARP)
            sock.send(head + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + packed + bytes(6) + packed)
