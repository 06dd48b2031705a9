"""Addresses of many nodes at once: numpy columns, a row per address.

A million `Address` objects take 25 seconds and 300 MB; the same columns take a tenth of a second and
30 MB. The addresses of one node are a slice of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.addressing.address import Address, address_text

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_WORD = (1 << 64) - 1


class Numbers(NamedTuple):
    """Numbers of 128 bits: their upper and lower halves, uint64[k] each."""

    high: Words
    low: Words

    @classmethod
    def of(cls, numbers: Sequence[int]) -> Numbers:
        """Return the columns of Python's numbers."""
        return cls(
            np.array([number >> 64 for number in numbers], dtype=np.uint64),
            np.array([number & _WORD for number in numbers], dtype=np.uint64),
        )

    @classmethod
    def from_base(cls, base: int, offset: Ints) -> Numbers:
        """Return `base` + `offset` (int64[k], not negative)."""
        count = len(offset)
        high, low = np.uint64(base >> 64), np.uint64(base & _WORD)
        return cls(np.full(count, high), np.full(count, low)).plus(offset)

    @classmethod
    def joined(cls, parts: Sequence[Numbers]) -> Numbers:
        """Return the numbers of all `parts`."""
        high, low = zip(*parts, strict=True)
        return cls(np.concatenate(high), np.concatenate(low))

    def plus(self, offset: Ints) -> Numbers:
        """Return the numbers with `offset` (int64[k], not negative) added to each."""
        low = self.low + offset.astype(np.uint64)
        return Numbers(self.high + (low < self.low).astype(np.uint64), low)

    def take(self, places: Ints | npt.NDArray[np.bool_]) -> Numbers:
        """Return the numbers at `places`: int64[k], or a mask."""
        return Numbers(self.high[places], self.low[places])

    def put(self, places: Ints, numbers: Numbers) -> None:
        """Overwrite the numbers at `places`."""
        self.high[places], self.low[places] = numbers

    def numbers(self, places: slice) -> list[int]:
        """Return the numbers at `places` as Python's."""
        pairs = zip(self.high[places].tolist(), self.low[places].tolist(), strict=True)
        return [high << 64 | low for high, low in pairs]

    def packed(self, version: npt.NDArray[np.uint8]) -> list[bytes]:
        """Return the addresses in network byte order; `version` (uint8[k]) says which have 4 bytes."""
        whole = np.stack(self, axis=1).astype(">u8").tobytes()
        first = np.where(version == 4, 12, 0) + 16 * np.arange(len(version))
        return [whole[at:end] for at, end in zip(first.tolist(), range(16, len(whole) + 1, 16), strict=True)]

    def at(self, place: int) -> int:
        """Return one number."""
        return int(self.high[place]) << 64 | int(self.low[place])


@dataclass(frozen=True)
class AddressColumns:
    """The addresses of `nodes` (int64[q]), in their order.

    Row by row: `position` int64[k] is the place in `nodes` of the node that has the address; `port`
    int64[k]; `version` uint8[k], 4 or 6; `value` its number; `length` int64[k], of the prefix.
    """

    nodes: Ints
    position: Ints
    port: Ints
    version: npt.NDArray[np.uint8]
    value: Numbers
    length: Ints

    @classmethod
    def joined(cls, nodes: Ints, parts: Sequence[AddressColumns]) -> AddressColumns:
        """Return the rows of `parts`, all of `nodes`, by node; those of a node in the order of the parts."""
        position = np.concatenate([part.position for part in parts])
        order = np.argsort(position, kind="stable")
        return cls(
            nodes,
            position[order],
            np.concatenate([part.port for part in parts])[order],
            np.concatenate([part.version for part in parts])[order],
            Numbers.joined([part.value for part in parts]).take(order),
            np.concatenate([part.length for part in parts])[order],
        )

    @classmethod
    def by_version(
        cls, nodes: Ints, position: Ints, port: Ints, versions: Sequence[tuple[int, Numbers, Ints]]
    ) -> AddressColumns:
        """Return rows in which each (position, port) has an address of each version.

        `versions` gives for each one its number, the addresses and the prefix lengths: k each.
        """
        count = len(versions)
        return cls(
            nodes,
            np.repeat(position, count),
            np.repeat(port, count),
            np.tile(np.array([version for version, _, _ in versions], dtype=np.uint8), len(position)),
            Numbers(
                np.stack([value.high for _, value, _ in versions], axis=1).ravel(),
                np.stack([value.low for _, value, _ in versions], axis=1).ravel(),
            ),
            np.stack([length for _, _, length in versions], axis=1).ravel(),
        )

    def among(self, nodes: Ints) -> AddressColumns:
        """Return the rows of those that are among `nodes` (int64[q], ascending), as columns of `nodes`."""
        place = np.searchsorted(nodes, self.nodes)
        there = np.zeros(len(place), dtype=bool)
        inside = place < len(nodes)
        there[inside] = nodes[place[inside]] == self.nodes[inside]
        rows = there[self.position]
        return AddressColumns(
            nodes,
            place[self.position[rows]],
            self.port[rows],
            self.version[rows],
            self.value.take(rows),
            self.length[rows],
        )

    @cached_property
    def start(self) -> Ints:
        """The rows of node `nodes[i]` are `start[i]:start[i + 1]`: int64[q + 1]."""
        return np.searchsorted(self.position, np.arange(len(self.nodes) + 1))

    def of(self, position: int) -> tuple[Address, ...]:
        """Return the addresses of node `nodes[position]`."""
        return tuple(self.rows(*self.start[position : position + 2].tolist()))

    def rows(self, first: int = 0, end: int | None = None) -> list[Address]:
        """Return the rows from `first` to before `end` one by one."""
        rows = slice(first, end)
        columns = (self.port[rows], self.version[rows], self.length[rows])
        return [
            Address(port, version, value, length)
            for port, version, length, value in zip(
                *(column.tolist() for column in columns), self.value.numbers(rows), strict=True
            )
        ]

    def texts(self) -> list[str]:
        """Return the text of every address, without its prefix length."""
        if (self.version != 4).any():
            return [address_text(packed) for packed in self.value.packed(self.version)]
        # nearly all addresses of a network differ in the last byte: seven times as fast
        networks, place = np.unique(self.value.low >> np.uint64(8), return_inverse=True)
        heads = [address_text((network << 8).to_bytes(4, "big"))[:-1] for network in networks.tolist()]
        tails = (self.value.low & np.uint64(255)).tolist()
        return [f"{heads[at]}{tail}" for at, tail in zip(place.tolist(), tails, strict=True)]
