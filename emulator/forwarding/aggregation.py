"""Merge prefixes that are routed alike (CIDR aggregation, RFC 4632).

Merging is exact: two prefixes become their parent when both halves exist and have the same number. A
prefix never covers an address without a destination. So a packet to an unused address matches no prefix
and can't loop. (ORTC, Draves et al., INFOCOM 1999, makes smaller tables with exceptions inside prefixes,
but all the empty space then needs one owner.)

Prefixes of all kinds are keys of 64 bits, left-aligned, in a `space`. A space is IPv4, the upper half of
IPv6 (for subnets), or the lower half below one IPv6 /64 (for links and routers). Prefixes of different
spaces never merge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.addressing.columns import Numbers

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

_LOW = (1 << 64) - 1


class Prefixes(NamedTuple):
    """Prefixes: space int64[p], key uint64[p], length int64[p] in the space, number int64[p]: how routed."""

    space: Ints
    key: Keys
    length: Ints
    number: Ints

    def where(self, mask: npt.NDArray[np.bool_] | Ints) -> Prefixes:
        """Return the prefixes that `mask` selects."""
        return Prefixes(self.space[mask], self.key[mask], self.length[mask], self.number[mask])


class Spaces:
    """Numbers spaces in order of appearance: 0 is IPv4, 1 the upper half of IPv6."""

    def __init__(self) -> None:
        self._lower: dict[int, int] = {}
        self._uppers: list[int] = []

    def put(self, version: int, base: int, length: int) -> tuple[int, int, int]:
        """Return (space, key, length in the space) of a prefix."""
        if version == 4:
            return 0, base << 32, length
        if length <= 64:
            return 1, base >> 64, length
        upper = base >> 64
        if upper not in self._lower:
            self._lower[upper] = 2 + len(self._uppers)
            self._uppers.append(upper)
        return self._lower[upper], base & _LOW, length - 64

    def addresses(self, prefixes: Prefixes) -> tuple[Numbers, Ints]:
        """Return (first addresses, prefix lengths: int64[p]) of prefixes: the inverse of `put`."""
        space, key = prefixes.space, prefixes.key
        none = np.uint64(0)
        uppers = np.array([0, 0, *self._uppers], dtype=np.uint64)
        high = np.where(space == 1, key, uppers[space])
        low = np.where(space == 0, key >> np.uint64(32), np.where(space == 1, none, key))
        return Numbers(high, low), prefixes.length + np.where(space > 1, 64, 0)


def merged(prefixes: Prefixes) -> Prefixes:
    """Return the fewest prefixes that cover exactly the same addresses with the same numbers.

    The prefixes must be disjoint. Each step merges one length, the longest first.
    """
    left = _sorted(prefixes)
    none = left.where(np.zeros(0, dtype=np.int64))
    current, done = none, []
    lengths = set(left.length.tolist())
    for length in range(max(lengths, default=0), 0, -1):
        if length in lengths:
            current = _sorted(_joined([current, left.where(left.length == length)]))
        if len(current.key):
            kept, current = _level(current, length)
            done.append(kept)
    return _joined([none, *done, current, left.where(left.length == 0)])


def _joined(parts: list[Prefixes]) -> Prefixes:
    parts = [part for part in parts if len(part.key)] or parts[:1]
    return Prefixes(
        np.concatenate([part.space for part in parts]),
        np.concatenate([part.key for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.number for part in parts]),
    )


def _sorted(prefixes: Prefixes) -> Prefixes:
    return prefixes.where(np.lexsort((prefixes.key, prefixes.space)))


def _level(current: Prefixes, length: int) -> tuple[Prefixes, Prefixes]:
    """Return (prefixes that stay at `length`, parents of the merged halves), both in order."""
    bit = np.uint64(1 << (64 - length))
    key, space, number = current.key, current.space, current.number
    halves = (
        ((key[:-1] & bit) == 0)
        & (key[1:] == key[:-1] | bit)
        & (space[1:] == space[:-1])
        & (number[1:] == number[:-1])
    )
    lower = np.flatnonzero(halves)
    stays = np.ones(len(key), dtype=bool)
    stays[lower] = False
    stays[lower + 1] = False
    parents = current.where(lower)
    return current.where(stays), parents._replace(length=parents.length - 1)
