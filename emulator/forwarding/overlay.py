"""Forwarding of a network with light nodes: that of the full nodes, and the addresses of the light ones.

Light nodes have no routes or neighbours of their own: the data path of their compute host knows all ports.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Neighbour, Role, Route
from emulator.forwarding.members import vpc_address, vpc_addresses
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.route_columns import RouteColumns
from topologies.addressing import Address, AddressColumns
from topologies.topology import I64, Topology
from topologies.vpcs import Vpcs


class OverlayForwarding:
    """Forwarding of `topology`, whose graph without light nodes has the forwarding `full`."""

    def __init__(self, full: Forwarding, topology: Topology, vpcs: Vpcs) -> None:
        self.full = full
        self._topology = topology
        self._vpcs = vpcs
        self._first = topology.full.node_count

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        light = np.full((len(self._topology.light_hosts), 2), Role.LIGHT, dtype=np.uint8)
        return np.concatenate([self.full.roles, light])

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` holds a bridge."""
        return node < self._first and self.full.has_bridge(node)

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address."""
        return node < self._first and self.full.is_router(node)

    def address_columns(self, nodes: I64) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending); a light node has one, on port 0."""
        split = int(np.searchsorted(nodes, self._first))
        ours = vpc_addresses(self._vpcs, nodes, split)
        return AddressColumns.joined(nodes, [self.full.address_columns(nodes[:split]), ours])

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        if node < self._first:
            return self.full.addresses(node)
        return (vpc_address(self._vpcs, node),)

    def route_columns(self, nodes: I64) -> RouteColumns:
        """Return the routes of `nodes` (int64[q], ascending)."""
        return replace(self.full.route_columns(nodes[nodes < self._first]), nodes=nodes)

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`."""
        return self.full.routes(node) if node < self._first else ()

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return the permanent neighbours of `node`."""
        return self.full.neighbours(node) if node < self._first else ()
