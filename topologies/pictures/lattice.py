"""Recognise grids and tori by their links, to draw them as grids."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from topologies.topology import F64, I64

_SMALLEST = 9
_DEPTH = (0.42, -0.34)
"""Offset, right and up, from one plane of a three-dimensional grid to the next, in cells."""


def grid_places(count: int, links: I64) -> F64 | None:
    """Return places (float64[count, 2], unit cells, y up) of a grid or torus; None when it is neither.

    Nodes count row by row, the last dimension fastest; a row may close to a ring or not.
    """
    if count < _SMALLEST or not len(links):
        return None
    for dims in _factors(count):
        if _is_grid(dims, links):
            at = np.stack(np.unravel_index(np.arange(count), dims), axis=1).astype(float)
            if len(dims) == 3:
                plane, row, column = at.T
                return np.stack([column + plane * _DEPTH[0], -row - plane * _DEPTH[1]], axis=1)
            return np.stack([at[:, 1], -at[:, 0]], axis=1)
    return None


def _factors(count: int) -> list[tuple[int, ...]]:
    """Return the ways to write `count` as two or three extents of 2 or more, squarest first."""
    divisors = [d for d in range(2, count // 2 + 1) if count % d == 0]
    two: list[tuple[int, ...]] = [(d, count // d) for d in divisors if count // d > 1]
    pairs = [*combinations(divisors, 2), *((d, d) for d in divisors)]
    triples = {
        (*order, count // (p * q)) for p, q in pairs for order in ((p, q), (q, p)) if count % (p * q) == 0
    }
    return sorted([*two, *(t for t in triples if t[2] > 1)], key=lambda dims: (len(dims), max(dims), dims))


def _is_grid(dims: tuple[int, ...], links: I64) -> bool:
    """Return whether each link is one step along one dimension, and every such step has a link."""
    a, b = (np.stack(np.unravel_index(links[:, end], dims), axis=1) for end in (0, 1))
    apart = np.abs(a - b)
    extent = np.array(dims)
    wrap = (apart == extent - 1) & (extent > 2)
    if not (((apart == 1) | wrap).sum(axis=1) + (apart == 0).sum(axis=1) == len(dims)).all():
        return False
    if not ((apart != 0).sum(axis=1) == 1).all():
        return False
    inner = len(np.unique(links[~wrap.any(axis=1)], axis=0))
    count = int(np.prod(extent))
    return inner == sum(count // e * (e - 1) for e in dims)
