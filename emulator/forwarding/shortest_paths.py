"""Shortest paths from one router: the distance to every other router, and the first hops to it.

The search is breadth-first, level by level on whole arrays. Each router's set of first hops is a row of
bits. It is the union of the sets of the router's predecessors, one level nearer. So all equal-cost paths
are kept (ECMP, RFC 2992). One source takes O(hops) words, all sources O(routers x hops).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.forwarding.router_graph import RouterGraph

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class FirstHops(NamedTuple):
    """From one source: distance int64[R] (-1: unreachable), sets uint64[R, words] of bits of `hops`.

    `hops` are the graph's hops that leave the source: int64[h].
    """

    distance: Ints
    sets: Words
    hops: Ints


def first_hops(graph: RouterGraph, source: int) -> FirstHops:
    """Return the first hops of all shortest paths from router `source`."""
    adjacency = graph.adjacency
    hops = adjacency.slot[adjacency.start[source] : adjacency.start[source + 1]]
    words = max(1, -(-len(hops) // 64))
    distance = np.full(len(graph), -1, dtype=np.int64)
    sets = np.zeros((len(graph), words), dtype=np.uint64)
    distance[source] = 0
    bits = np.arange(len(hops))
    own = np.zeros((len(hops), words), dtype=np.uint64)
    own[bits, bits // 64] = np.uint64(1) << (bits % 64).astype(np.uint64)
    frontier = _spread(graph.heads[hops], own, distance, sets, 1)
    level = 1
    while len(frontier):
        level += 1
        edges = adjacency.leaving(frontier)
        frontier = _spread(graph.heads[edges], sets[graph.tails[edges]], distance, sets, level)
    return FirstHops(distance, sets, hops)


def _spread(heads: Ints, brought: Words, distance: Ints, sets: Words, level: int) -> Ints:
    """Set each new head's set to the union of the sets that reach it; return the new heads."""
    fresh = distance[heads] < 0
    heads, brought = heads[fresh], brought[fresh]
    if not len(heads):
        return heads
    order = np.argsort(heads, kind="stable")
    heads = heads[order]
    first = np.flatnonzero(np.concatenate([[True], heads[1:] != heads[:-1]]))
    found = heads[first]
    sets[found] = np.bitwise_or.reduceat(brought[order], first, axis=0)
    distance[found] = level
    return found


def numbered(sets: Words) -> tuple[Words, Ints]:
    """Return (the distinct rows of `sets`, each router's row number): uint64[s, words], int64[R]."""
    if sets.shape[1] == 1:
        found, number = np.unique(sets[:, 0], return_inverse=True)
        return found[:, None], number
    rows = np.ascontiguousarray(sets).view(np.dtype((np.void, sets.shape[1] * 8))).ravel()
    _, first, number = np.unique(rows, return_index=True, return_inverse=True)
    return sets[first], number


def members_of(row: Words) -> Ints:
    """Return the positions of the bits set in `row` (uint64[words]), ascending: int64[count]."""
    return np.flatnonzero(np.unpackbits(row.astype("<u8").view(np.uint8), bitorder="little"))
