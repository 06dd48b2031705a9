"""Routes of many nodes at once, in numpy columns: one row per route; routes over the same hops share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Hop, Route
from topologies.addressing.columns import Numbers

Ints = npt.NDArray[np.int64]


def packed(version: int, value: int) -> bytes:
    """Return an address in network byte order."""
    return value.to_bytes(4 if version == 4 else 16)


@dataclass(frozen=True)
class RouteColumns:
    """The routes of `nodes` (int64[q]), in the order of the nodes.

    Per route: `position` int64[k] is the index of its node in `nodes`; `version` uint8[k] is 4 or 6; `prefix`
    and `length` (int64[k]); `source` is zero where the kernel chooses; `hops` int64[k] is the number of its
    set of hops, which routes of one version share. Set s has the hops `first[s]:first[s + 1]` (int64[s + 1]).
    Per hop: `port` int64[h]; `gateway` is zero where the destination is on the link.
    """

    nodes: Ints
    position: Ints
    version: npt.NDArray[np.uint8]
    prefix: Numbers
    length: Ints
    source: Numbers
    hops: Ints
    first: Ints
    port: Ints
    gateway: Numbers

    @classmethod
    def none(cls, nodes: Ints) -> RouteColumns:
        """Return an empty table for `nodes`."""
        row = np.zeros(0, dtype=np.int64)
        number = Numbers.from_base(0, row)
        version = row.astype(np.uint8)
        return cls(nodes, row, version, number, row, number, row, np.zeros(1, dtype=np.int64), row, number)

    def rows(self, kept: Ints) -> RouteColumns:
        """Return the routes of the rows `kept` (int64[r]); sets of hops stay as they are."""
        return replace(
            self, position=self.position[kept], version=self.version[kept], prefix=self.prefix.take(kept),
            length=self.length[kept], source=self.source.take(kept), hops=self.hops[kept],
        )  # fmt: skip

    @classmethod
    def joined(cls, nodes: Ints, parts: Sequence[RouteColumns]) -> RouteColumns:
        """Return the rows of `parts`, all of `nodes`, by node; within a node in the order of the parts."""
        position = np.concatenate([part.position for part in parts])
        order = np.argsort(position, kind="stable")
        sets = np.cumsum([0, *(len(part.first) - 1 for part in parts)]).tolist()
        each = np.cumsum([0, *(len(part.port) for part in parts)]).tolist()
        return cls(
            nodes,
            position[order],
            np.concatenate([part.version for part in parts])[order],
            Numbers.joined([part.prefix for part in parts]).take(order),
            np.concatenate([part.length for part in parts])[order],
            Numbers.joined([part.source for part in parts]).take(order),
            np.concatenate([part.hops + at for part, at in zip(parts, sets[:-1], strict=True)])[order],
            np.concatenate([*(p.first[:-1] + at for p, at in zip(parts, each[:-1], strict=True)), each[-1:]]),
            np.concatenate([part.port for part in parts]),
            Numbers.joined([part.gateway for part in parts]),
        )

    @cached_property
    def start(self) -> Ints:
        """The routes of node `nodes[i]` are `start[i]:start[i + 1]`: int64[q + 1]."""
        return np.searchsorted(self.position, np.arange(len(self.nodes) + 1))

    def of(self, position: int) -> tuple[Route, ...]:
        """Return the routes of node `nodes[position]`."""
        rows = slice(*self.start[position : position + 2].tolist())
        # most routes of a node have one source, and share their hops with others
        sources: dict[int, bytes | None] = {0: None}
        made: dict[int, tuple[Hop, ...]] = {}
        out = []
        for version, prefix, length, source, number in zip(
            self.version[rows].tolist(), self.prefix.numbers(rows), self.length[rows].tolist(),
            self.source.numbers(rows), self.hops[rows].tolist(), strict=True,
        ):  # fmt: skip
            if source not in sources:
                sources[source] = packed(version, source)
            if number not in made:
                made[number] = self._hops(version, number)
            out.append(Route(packed(version, prefix), length, made[number], sources[source]))
        return tuple(out)

    def _hops(self, version: int, number: int) -> tuple[Hop, ...]:
        """Return the hops of a set; all routes that use it have this version."""
        rows = slice(*self.first[number : number + 2].tolist())
        return tuple(
            Hop(port, packed(version, gateway) if gateway else None)
            for port, gateway in zip(self.port[rows].tolist(), self.gateway.numbers(rows), strict=True)
        )
