"""Default routes to the nodes of `kind: nat`, which the others have unless the file gives them a gateway.

Nodes with a way to the machine have a way out of their own: instead of a default route into the network
they have routes to its pools. So have routers whose computed default route stands for all of the network.

A node on a subnet of a nat node's has it as gateway; any other sends what is outside over the hops by which
it reaches the nat node itself. Nodes with a way to the machine forward, so they count as routers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from emulator.forwarding.added_routes import AddedRoutes, computed
from emulator.forwarding.base import BRIDGE_PORT, Hop, Route
from emulator.forwarding.protocol import Forwarding
from topologies.elements import Pools
from topologies.outside_nodes import nat_nodes, uplinked_nodes
from topologies.segments import Segments
from topologies.topology import Topology

_ANYWHERE = bytes(4)


class _Exit(NamedTuple):
    """An IPv4 address of a nat node: its value, its prefix length, and the segment that it is on."""

    value: int
    length: int
    segment: int


class NatRoutes(AddedRoutes):
    """The forwarding `base` of `topology`, with default routes to its nat nodes, which have none into it."""

    def __init__(self, base: Forwarding, topology: Topology) -> None:
        count = topology.node_count
        self._nat = frozenset(nat_nodes(topology))
        self._ways = frozenset(uplinked_nodes(topology))
        forwarding = (bool(self._nat) and base.is_router(node) for node in range(count))
        instead = np.fromiter(forwarding, dtype=bool, count=count)
        instead[list(self._ways)] = True
        super().__init__(base, np.full(count, bool(self._nat)), instead)
        self._topology = topology
        self._segments = Segments(topology)

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address; those with a way to the machine do."""
        return node in self._ways or self.base.is_router(node)

    def own(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node` that lead out, and of one that forwards all of its routes."""
        routes = self.base.routes(node)
        if node in self._ways:
            return tuple(_into(self._topology.pools, routes))
        kept = routes if self._instead[node] else ()
        default = next((route for route in routes if route.packed == _ANYWHERE and not route.length), None)
        if default is None:
            return (*kept, *self._out(node, routes))
        if kept and default in computed(self.base).routes(node):  # else it would lead around in circles
            return (*_into(self._topology.pools, routes), *self._out(node, routes))
        return kept

    def _out(self, node: int, routes: tuple[Route, ...]) -> tuple[Route, ...]:
        """Return the default route of `node` to a nat node; none where there is no way to one."""
        hops = self._beside(node) or next(
            (
                route.hops
                for way in self._exits
                for route in sorted(routes, key=lambda route: -route.length)
                if len(route.packed) == 4 and _holds(int.from_bytes(route.packed), route.length, way.value)
            ),
            (),
        )
        return (Route(_ANYWHERE, 0, hops),) if hops else ()

    def _beside(self, node: int) -> tuple[Hop, ...]:
        """Return the hop to a nat node on the same segment and subnet; none where there is none."""
        for address in self.base.addresses(node):
            if address.version != 4:
                continue
            for way in self._exits:
                same = way.segment == self._segment(node, address.port)
                if same and way.length == address.length and _holds(way.value, way.length, address.value):
                    return (Hop(address.port, way.value.to_bytes(4, "big")),)
        return ()

    @cached_property
    def _exits(self) -> tuple[_Exit, ...]:
        return tuple(
            _Exit(address.value, address.length, self._segment(node, address.port))
            for node in sorted(self._nat)
            for address in self.base.addresses(node)
            if address.version == 4
        )

    def _segment(self, node: int, port: int) -> int:
        """Return the segment of a port of `node`, or of its bridge; -1 where it is on none."""
        ends = self._topology.incident(node)
        found = (
            int(self._segments.of_end[end.link, end.end]) for end in ends if port in (BRIDGE_PORT, end.port)
        )
        return max(found, default=-1)


def _into(pools: Pools, routes: tuple[Route, ...]) -> Iterator[Route]:
    """Yield routes with those to the pools instead of default routes, over the same hops."""
    for route in routes:
        if route.length:
            yield route
            continue
        version = 4 if len(route.packed) == 4 else 6
        for text in (pool for pool in pools if pool):
            network = ipaddress.ip_network(text)
            if network.version == version:
                yield route._replace(packed=network.network_address.packed, length=network.prefixlen)


def _holds(network: int, length: int, address: int) -> bool:
    return network >> (32 - length) == address >> (32 - length)


def with_nat_routes(base: Forwarding, topology: Topology) -> Forwarding:
    """Return `base`, with the ways out of its nodes of `kind: nat` and `kind: outside` if there are any."""
    return NatRoutes(base, topology) if uplinked_nodes(topology) else base
