"""Forwarding of a plan, for one node or for many nodes at once; engines apply it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Neighbour, Route
from emulator.forwarding.route_columns import RouteColumns
from topologies.addressing import Address, AddressColumns


class Forwarding(Protocol):
    """Forwarding of a whole topology, computed from indices as far as possible."""

    @property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        ...

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` holds a bridge."""
        ...

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address (ip_forward)."""
        ...

    def address_columns(self, nodes: npt.NDArray[np.int64]) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending), in columns; costs only these nodes."""
        ...

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`; their ports may be BRIDGE_PORT or LOOPBACK_PORT."""
        ...

    def route_columns(self, nodes: npt.NDArray[np.int64]) -> RouteColumns:
        """Return the routes of `nodes` (int64[q], ascending), in columns; costs only these nodes."""
        ...

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`."""
        ...

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return the permanent neighbours of `node` (static ARP)."""
        ...
