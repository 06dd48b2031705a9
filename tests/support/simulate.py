"""Walk packets over a computed forwarding, independently of the code that computed it.

It simulates the kernel from roles, addresses and routes alone: longest prefix, all equal-cost next hops, ARP
within one wire or bridge. networkx computes layer 2 again here.
"""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

import networkx as nx
import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Hop, Role
from emulator.forwarding.protocol import Forwarding
from topologies.topology import Topology

Attachment = tuple[int, int]
"""(node, port): port is BRIDGE_PORT for the ports that a bridge joins."""


class Walker:
    """Walker of packets through `forwarding` over the links that are up."""

    def __init__(
        self, topology: Topology, forwarding: Forwarding, up: npt.NDArray[np.bool_] | None = None
    ) -> None:
        self.topology = topology
        self.forwarding = forwarding
        self.up = np.ones(topology.link_count, dtype=bool) if up is None else up
        self._wires = nx.Graph()
        self.ports_up: set[Attachment] = set()
        self._walked: dict[tuple[int, bytes], set[int | None]] = {}
        for link in range(topology.link_count):
            self._plug(link)
        self.part = {
            at: number for number, part in enumerate(nx.connected_components(self._wires)) for at in part
        }

    def _plug(self, link: int) -> None:
        ends = []
        for end in (0, 1):
            node, port = int(self.topology.ends[link, end]), int(self.topology.ports[link, end])
            role = self.forwarding.roles[link, end]
            if self.forwarding.has_bridge(node):
                self._wires.add_node((node, BRIDGE_PORT))
            if self.up[link]:
                self.ports_up.add((node, port))
            if role == Role.BLOCKED:
                return
            ends.append((node, BRIDGE_PORT if role == Role.BRIDGED else port))
        if self.up[link]:
            self._wires.add_edge(*ends)

    def is_up(self, node: int, port: int) -> bool:
        """Return whether an interface is there and up."""
        if port in (BRIDGE_PORT, LOOPBACK_PORT):
            return port == LOOPBACK_PORT or self.forwarding.has_bridge(node)
        return (node, port) in self.ports_up

    @cached_property
    def owners(self) -> dict[tuple[int, bytes], list[Attachment]]:
        """Return the owners that answer ARP for an address on a part of layer 2: [(node, port)]."""
        out: dict[tuple[int, bytes], list[Attachment]] = {}
        for node in range(self.topology.node_count):
            for address in self.forwarding.addresses(node):
                if address.port != LOOPBACK_PORT and self.is_up(node, address.port):
                    part = self.part[node, address.port]
                    out.setdefault((part, address.packed), []).append((node, address.port))
        return out

    def has(self, node: int, packed: bytes) -> bool:
        """Return whether `packed` is an address of `node` on an interface that is up."""
        return any(a.packed == packed and self.is_up(node, a.port) for a in self.forwarding.addresses(node))

    def table(self, node: int) -> list[tuple[IPv4Network | IPv6Network, tuple[Hop, ...]]]:
        """Return the node's whole table, including the routes that the kernel adds itself."""
        rows = [
            (ip_network((a.packed, a.length), strict=False), (Hop(a.port, None),))
            for a in self.forwarding.addresses(node)
            if a.port != LOOPBACK_PORT and self.is_up(node, a.port)
        ]
        prefixes = {network for network, _ in rows if network.prefixlen < network.max_prefixlen}
        for route in self.forwarding.routes(node):
            network = ip_network((route.packed, route.length))
            assert network not in prefixes, "a route in the place of a connected one"
            hops = tuple(hop for hop in route.hops if self.is_up(node, hop.port))
            if self.forwarding.is_router(node):
                assert hops == route.hops, "a route over a link that is down"
            if hops:
                rows.append((network, hops))
        return rows

    def next_nodes(self, node: int, packed: bytes) -> set[int]:
        """Return the next hops of `node` for a packet to `packed`; an empty set if it has none."""
        width = 8 * len(packed)
        value = int.from_bytes(packed)
        best: tuple[int, tuple[Hop, ...]] = (-1, ())
        for network, hops in self._tables(node):
            shift = width - network.prefixlen
            if network.max_prefixlen == width and value >> shift == int(network.network_address) >> shift:
                best = max(best, (network.prefixlen, hops), key=lambda row: row[0])
        out: set[int] = set()
        for hop in best[1]:
            owners = self.owners.get((self.part[node, hop.port], hop.gateway or packed), [])
            assert len(owners) <= 1, "two owners of an address on one wire"
            if not owners:
                out.add(-1)
            out |= {owner for owner, _ in owners}
        return out

    def _tables(self, node: int) -> list[tuple[IPv4Network | IPv6Network, tuple[Hop, ...]]]:
        if node not in self._kept:
            self._kept[node] = self.table(node)
        return self._kept[node]

    @cached_property
    def _kept(self) -> dict[int, list[tuple[IPv4Network | IPv6Network, tuple[Hop, ...]]]]:
        return {}

    def lengths(self, source: int, packed: bytes) -> set[int | None]:
        """Return the lengths in hops of all paths of a packet; None for a path that ends elsewhere.

        AssertionError when a packet could loop.
        """
        return self._lengths(source, packed, ())

    def _lengths(self, node: int, packed: bytes, passed: tuple[int, ...]) -> set[int | None]:
        assert node not in passed, f"a loop: {passed}"
        if self.has(node, packed):
            return {0}
        routes = self.forwarding.is_router(node)
        if passed and not routes:
            return {None}
        if routes and (node, packed) in self._walked:
            return self._walked[node, packed]
        out: set[int | None] = set()
        for other in self.next_nodes(node, packed):
            if other < 0:
                out.add(None)
                continue
            further = self._lengths(other, packed, (*passed, node))
            out |= {None if length is None else length + 1 for length in further}
        self._walked[node, packed] = out or {None}
        return out or {None}
