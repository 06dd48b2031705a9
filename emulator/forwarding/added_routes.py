"""A forwarding with further routes of some nodes beside those that the network computes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Neighbour, Route
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.route_columns import RouteColumns
from topologies.addressing import Address, AddressColumns
from topologies.addressing.columns import Numbers
from topologies.topology import I64


class AddedRoutes(ABC):
    """The forwarding `base` with further routes, each over one or several hops.

    `has` (bool[n]) marks the nodes that may have some; `own` returns those of one node. Nodes of `instead`
    (bool[n]) have only these.
    """

    def __init__(
        self, base: Forwarding, has: npt.NDArray[np.bool_], instead: npt.NDArray[np.bool_] | None = None
    ) -> None:
        self.base = base
        self._instead = np.zeros_like(has) if instead is None else instead
        self._has = has | self._instead

    @abstractmethod
    def own(self, node: int) -> tuple[Route, ...]:
        """Return the further routes of `node`."""

    @property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        return self.base.roles

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` holds a bridge."""
        return self.base.has_bridge(node)

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address."""
        return self.base.is_router(node)

    def address_columns(self, nodes: I64) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending)."""
        return self.base.address_columns(nodes)

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        return self.base.addresses(node)

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return the permanent neighbours of `node`."""
        return self.base.neighbours(node)

    def route_columns(self, nodes: I64) -> RouteColumns:
        """Return the routes of `nodes` (int64[q], ascending), the further ones last."""
        having = np.flatnonzero(self._has[nodes])
        rows = [(at, route) for at in having.tolist() for route in self.own(int(nodes[at]))]
        position = np.array([at for at, _ in rows], dtype=np.int64)
        hops = [hop for _, route in rows for hop in route.hops]
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(route.hops) for _, route in rows], out=starts[1:])
        ours = RouteColumns(
            nodes, position, np.array([4 if len(r.packed) == 4 else 6 for _, r in rows], dtype=np.uint8),
            Numbers.of([int.from_bytes(r.packed) for _, r in rows]),
            np.array([r.length for _, r in rows], dtype=np.int64),
            Numbers.from_base(0, np.zeros(len(rows), dtype=np.int64)),
            np.arange(len(rows)), starts, np.array([hop.port for hop in hops], dtype=np.int64),
            Numbers.of([int.from_bytes(hop.gateway or b"") for hop in hops]),
        )  # fmt: skip
        base = self.base.route_columns(nodes)
        kept = ~self._instead[nodes][base.position]
        return RouteColumns.joined(nodes, [base if kept.all() else base.rows(np.flatnonzero(kept)), ours])

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`, the further ones last."""
        base = () if self._instead[node] else self.base.routes(node)
        return (*base, *(self.own(node) if self._has[node] else ()))


def computed(forwarding: Forwarding) -> Forwarding:
    """Return the forwarding below all further routes."""
    while isinstance(forwarding, AddedRoutes):
        forwarding = forwarding.base
    return forwarding
