"""Graph algorithms on whole arrays: adjacency, hop distances, connected components.

They work level by level, a whole frontier at a time: a million nodes take a fraction of a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
UNREACHED = -1


class Adjacency:
    """Compressed rows of directed edges: `slot[start[v]:start[v+1]]` are the edges that leave v.

    tails, heads: int64[e]; `count` is the number of vertices.
    """

    def __init__(self, tails: Ints, heads: Ints, count: int) -> None:
        self.count = count
        self.heads = heads
        self.degree: Ints = np.bincount(tails, minlength=count)
        self.start: Ints = np.concatenate([[0], np.cumsum(self.degree)])
        self.slot: Ints = np.argsort(tails, kind="stable")

    def leaving(self, vertices: Ints) -> Ints:
        """Return the edges that leave `vertices`, vertex by vertex: int64[sum of degrees]."""
        found: Ints = self.slot[gathered(self.start, vertices)[1]]
        return found


def gathered(start: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the entries of some rows of compressed rows: (place in `rows`, entry), int64[k] each.

    `start` is int64[r + 1]: the entries of row i are `start[i]:start[i + 1]`.
    """
    counts = start[rows + 1] - start[rows]
    place = np.repeat(np.arange(len(rows)), counts)
    before = np.cumsum(counts) - counts
    return place, np.arange(len(place)) + (start[rows] - before)[place]


def both_ways(ends: Ints) -> tuple[Ints, Ints]:
    """Return (tails, heads) of undirected `ends` (int64[m, 2]): edge 2k is forward, 2k + 1 is back."""
    return ends.ravel(), ends[:, ::-1].ravel()


def distances(graph: Adjacency, sources: Ints) -> Ints:
    """Return the hops from the nearest of `sources` to each vertex, or UNREACHED: int64[count]."""
    found = np.full(graph.count, UNREACHED, dtype=np.int64)
    place = np.empty(graph.count, dtype=np.int64)
    frontier = sources
    level = 0
    while len(frontier):
        place[frontier] = np.arange(len(frontier))
        frontier = frontier[place[frontier] == np.arange(len(frontier))]  # each once, without sorting
        found[frontier] = level
        level += 1
        near = graph.heads[graph.leaving(frontier)]
        frontier = near[found[near] == UNREACHED]
    return found


def components(a: Ints, b: Ints, count: int) -> Ints:
    """Return the smallest vertex of each vertex's component (int64[count]); edges are a[i] - b[i].

    Hooking and pointer jumping, as in Shiloach and Vishkin: An O(log n) parallel connectivity
    algorithm, Journal of Algorithms 3, 1982.
    """
    label = np.arange(count)
    while True:
        low = np.minimum(label[a], label[b])
        high = np.maximum(label[a], label[b])
        open_edges = low != high
        if not open_edges.any():
            return label
        a, b = a[open_edges], b[open_edges]
        np.minimum.at(label, high[open_edges], low[open_edges])
        while True:
            jumped = label[label]
            if np.array_equal(jumped, label):
                break
            label = jumped
