"""Reachability in bridged networks by the hosts' own tables: addresses and prefixes by port.

A host sends to an address out of the port with the longest prefix that holds it, from that port's own
address. Without such a prefix it has no route. The kernel answers ARP for any of its IPv4 addresses on any
port (arp_ignore 0: the weak host model of RFC 1122, section 3.3.4.2). It answers neighbour discovery only
for addresses of the port that received the query. A permanent neighbour entry is the hardware address of
one port. So a request and its reply are traced separately.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT
from emulator.forwarding.bridged import BridgedForwarding
from topologies.segments import Segments
from topologies.topology import Topology


class Interface(NamedTuple):
    """An address of a node, with its port; `domain` is the broadcast domain of that port.

    `up` is true while the port's link is up. When the link is down, the address stays but its prefix goes.
    """

    version: int
    value: int
    length: int
    port: int
    domain: int
    up: bool

    def holds(self, version: int, value: int) -> bool:
        """Return whether `value` is in this address's prefix."""
        shift = (32 if version == 4 else 128) - self.length
        return version == self.version and value >> shift == self.value >> shift


class BridgedReach:
    """Expected reachability in a network without routers; `up` marks the links that are up (bool[m])."""

    def __init__(self, topology: Topology, up: npt.NDArray[np.bool_]) -> None:
        self._topology = topology
        self._forwarding = BridgedForwarding(topology, up)
        self._up: list[bool] = up.tolist()
        self._interfaces: dict[int, list[Interface]] = {}
        self._domains: dict[int, frozenset[int]] = {}
        segments = Segments(topology)
        self._part: list[int] = segments.parts(up).tolist()
        self._vertices: list[list[int]] = segments.vertices.tolist()

    def answers(self, source: int, target: int, address: str) -> bool:
        """Return whether `address` of node `target` answers to node `source`."""
        parsed = ipaddress.ip_address(address)
        version, value = parsed.version, int(parsed)
        asked = next((i for i in self.interfaces(target) if (i.version, i.value) == (version, value)), None)
        if asked is None:
            return False
        if source == target:
            return True
        sender = self._sends(source, target, asked)
        return sender is not None and self._sends(target, source, sender) is not None

    def interfaces(self, node: int) -> list[Interface]:
        """Return the addresses of `node` that are on ports, in the order of the ports."""
        found = self._interfaces.get(node)
        if found is None:
            found = self._interfaces[node] = list(self._addressed(node))
        return found

    def _addressed(self, node: int) -> list[Interface]:
        places = self._places(node)
        out = [
            Interface(address.version, address.value, address.length, address.port, *places[address.port])
            for address in self._forwarding.addresses(node)
            if address.port in places
        ]
        order = list(places)
        return sorted(out, key=lambda interface: order.index(interface.port))

    def _places(self, node: int) -> dict[int, tuple[int, bool]]:
        """Return the broadcast domain of each port of `node`, and whether its link is up."""
        topology = self._topology
        if self._forwarding.has_bridge(node):
            return {BRIDGE_PORT: (self._part[node], True)}
        out = {}
        for link, end, port in topology.incident(node):
            domain = self._part[self._vertices[link][end]]
            out[port] = (domain, self._up[link])
        return out

    def _heard(self, node: int) -> frozenset[int]:
        """Return the broadcast domains in which `node` has a port that is up."""
        found = self._domains.get(node)
        if found is None:
            found = frozenset(domain for domain, up in self._places(node).values() if up)
            self._domains[node] = found
        return found

    def _sends(self, node: int, target: int, to: Interface) -> Interface | None:
        """Return the source address of `node` for packets to `to` of `target`; None if they don't arrive."""
        routes = [i for i in self.interfaces(node) if i.up and i.holds(to.version, to.value)]
        if not routes:
            return None
        out = max(routes, key=lambda interface: interface.length)  # among equal lengths, the first
        if to.version == 6 or self._is_static(node, out):
            arrives = to.up and to.domain == out.domain
        else:
            arrives = out.domain in self._heard(target)
        return out if arrives else None

    @cached_property
    def _static(self) -> bool:
        return self._topology.static_arp

    def _is_static(self, node: int, out: Interface) -> bool:
        """Return whether `node` has permanent neighbours on the port of `out`: only its first has any."""
        if not self._static:
            return False
        addresses = self._forwarding.addresses(node)
        return bool(addresses) and addresses[0].port == out.port
