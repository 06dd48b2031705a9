"""Random pairs of nodes, and links that connect a random graph: vectorised, from our own Stream."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from topologies.graph_arrays import components
from topologies.rng import Stream
from topologies.topology import I64

_CHUNK = 2**20

_NEVER = 1e-30
"""Probability below which there are no links: the largest graph, 2^47 pairs, would have 10^-16."""


def pairs_by_chance(stream: Stream, n: int, p: float) -> Iterator[I64]:
    """Yield the pairs v > w of n nodes, each taken with chance `p` on its own: int64[k, 2] at a time.

    Work is in proportion to the pairs taken, not to all pairs: the gap to the next one taken is geometric
    (Batagelj, Brandes: Efficient generation of large random networks, Physical Review E 71, 2005).
    It uses at most some tens of MiB at a time. n up to 2^24.
    """
    total = n * (n - 1) // 2
    last = -1 if p > _NEVER else total
    while last < total - 1:
        if p >= 1:
            at = np.arange(last + 1, min(last + 1 + _CHUNK, total))
        else:
            expected = (total - last) * p
            gaps = np.log1p(-stream.random(int(min(_CHUNK, 1.1 * expected + 16)))) / math.log1p(-p)
            at = last + np.cumsum(np.minimum(gaps, total).astype(np.int64) + 1)
        last = int(at[-1])
        yield _pair_at(at[at < total])


def _pair_at(at: I64) -> I64:
    """Return the pairs (v, w) at positions `at` of the list (1, 0), (2, 0), (2, 1), (3, 0) and so on."""
    # exact: below 2^24 nodes 8 at + 1 is below 2^53, and a square root of a square has no rounding
    v = ((1 + np.sqrt(1 + 8 * at.astype(np.float64))) / 2).astype(np.int64)
    return np.stack([v, at - v * (v - 1) // 2], axis=1)


def joining(stream: Stream, n: int, ends: I64) -> I64:
    """Return links (int64[c - 1, 2]) that connect the c components of the graph.

    From the second largest component on, a random node of each is linked to a random node of all
    larger ones together: the fewest possible links, most of them to the giant component.
    """
    root = components(ends[:, 0], ends[:, 1], n)
    roots, number, size = np.unique(root, return_inverse=True, return_counts=True)
    by_size = np.argsort(-size, kind="stable")
    place = np.empty(len(roots), dtype=np.int64)
    place[by_size] = np.arange(len(roots))
    order = np.argsort(place[number], kind="stable")  # all nodes, largest component first
    size = size[by_size]
    start = np.cumsum(size) - size
    inside = start + (stream.random(len(roots)) * size).astype(np.int64)
    before = (stream.random(len(roots)) * start).astype(np.int64)
    return np.stack([order[before[1:]], order[inside[1:]]], axis=1)
