"""What a plan says about forwarding, node by node; engines carry it out."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from topologies import segments
from topologies.addressing import Address, AddressColumns

BRIDGE_PORT = segments.BRIDGE_PORT
"""The number that stands for a node's bridge where a port is asked for."""
LOOPBACK_PORT = segments.LOOPBACK_PORT
"""The number that stands for a node's loopback."""


class Role(IntEnum):
    """What the node at a link's end does with it."""

    ADDRESSED = 0
    """An interface of its own, with or without addresses (hosts, routed ports)."""
    BRIDGED = 1
    """A port of the node's bridge."""
    BLOCKED = 2
    """Up, but a port of no bridge: it would close a loop."""


class Hop(NamedTuple):
    """A next hop: out of `port`, to `gateway` (packed address) or straight to the destination."""

    port: int
    gateway: bytes | None


class Route(NamedTuple):
    """A route to `packed`/`length` over one hop, or over several by equal-cost multipath.

    `source` is the node's own address that packets it sends itself carry; None lets the kernel choose.
    """

    packed: bytes
    length: int
    hops: tuple[Hop, ...]
    source: bytes | None = None


class Neighbour(NamedTuple):
    """A permanent neighbour entry."""

    port: int
    packed: bytes
    mac: bytes


class Forwarding(Protocol):
    """Forwarding of a whole topology, computed from indices as far as can be."""

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
        """Return the addresses of `nodes` (int64[q], ascending), in columns; it costs what they are."""
        ...

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`; their ports may be BRIDGE_PORT or LOOPBACK_PORT."""
        ...

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`."""
        ...

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return the permanent neighbours of `node` (static ARP)."""
        ...
