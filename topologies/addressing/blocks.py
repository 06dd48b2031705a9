"""Allocate aligned blocks of a pool, in order, around the reserved ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = tuple[int, int]
"""[first, end) in units from the start of the pool."""


def power_of_two(count: int) -> int:
    """Return the smallest power of two that is at least `count`; 1 for 0."""
    return 1 << max(count - 1, 0).bit_length()


def merged_ranges(ranges: Iterable[Range]) -> list[Range]:
    """Return the union of `ranges`, ascending and disjoint."""
    out: list[Range] = []
    for first, end in sorted(ranges):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((first, end))
    return out


def allocate(sizes: Sequence[int], reserved: Iterable[Range] = (), first: int = 0) -> tuple[list[int], int]:
    """Return the start of a block of each size (powers of two), and the end of the last.

    Each block is aligned to its size, as a prefix must be, and follows the one before: neighbours in
    order stay neighbours in number. The caller checks the end of the pool.
    """
    blocks = merged_ranges(reserved)
    at, number = first, 0
    out = []
    for size in sizes:
        at = -(-at // size) * size
        while number < len(blocks) and blocks[number][0] < at + size:
            if blocks[number][1] > at:
                at = -(-blocks[number][1] // size) * size
            number += 1
        out.append(at)
        at += size
    return out, at
