"""Comparison of the names of many nodes of two topologies, mostly without making the names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.names import Block, NameBlock, Names

Ints = npt.NDArray[np.int64]


def same_names(one: Names, nodes: Ints, other: Names, others: Ints) -> npt.NDArray[np.bool_]:
    """Return whether node nodes[i] of `one` and node others[i] of `other` have the same name: bool[k]."""
    out = np.zeros(len(nodes), dtype=bool)
    blocks, offsets = _places(one, nodes)
    other_blocks, other_offsets = _places(other, others)
    pairs = blocks * len(other.blocks) + other_blocks
    for pair in np.unique(pairs).tolist():
        rows = pairs == pair
        a, b = divmod(pair, len(other.blocks))
        out[rows] = _same(one.blocks[a], offsets[rows], other.blocks[b], other_offsets[rows])
    return out


def _places(names: Names, nodes: Ints) -> tuple[Ints, Ints]:
    """Return the block of each node, and its offset there."""
    starts = np.cumsum([0, *(block.count for block in names.blocks)])
    blocks = np.searchsorted(starts, nodes, side="right") - 1
    return blocks, nodes - starts[blocks]


def _same(a: Block, offsets: Ints, b: Block, others: Ints) -> Any:
    if isinstance(a, NameBlock) and isinstance(b, NameBlock) and _numbers_tell(a, b):
        one, other = np.unravel_index(offsets, a.shape), np.unravel_index(others, b.shape)
        return np.logical_and.reduce([x == y for x, y in zip(one, other, strict=True)])
    pairs = zip(offsets.tolist(), others.tolist(), strict=True)
    return [a.name(x) == b.name(y) for x, y in pairs]


def _numbers_tell(a: NameBlock, b: NameBlock) -> bool:
    """Return whether names of the two blocks are the same exactly when their numbers are."""
    apart = all(part and not part[0].isdigit() for part in a.parts[1:])
    return apart and a.parts == b.parts and a.first == b.first
