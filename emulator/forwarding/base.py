"""Elements of forwarding: roles of link ends, routes, permanent neighbours."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from topologies import segments

BRIDGE_PORT = segments.BRIDGE_PORT
"""Port number that stands for a node's bridge."""
LOOPBACK_PORT = segments.LOOPBACK_PORT
"""Port number that stands for a node's loopback."""


class Role(IntEnum):
    """Role of a link's end at its node."""

    ADDRESSED = 0
    """An interface of its own, with or without addresses (hosts, routed ports)."""
    BRIDGED = 1
    """A port of the node's bridge."""
    BLOCKED = 2
    """Up, but in no bridge: as a port it would close a loop."""
    LIGHT = 3
    """An end of a light node's link: there is no interface, its compute host's data path knows the port."""


class Hop(NamedTuple):
    """A next hop: out of `port`, to `gateway` (packed address) or directly to the destination."""

    port: int
    gateway: bytes | None


class Route(NamedTuple):
    """A route to `packed`/`length` over one hop, or over several by equal-cost multipath.

    `source` is the source address of packets that the node itself sends; None lets the kernel choose.
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
