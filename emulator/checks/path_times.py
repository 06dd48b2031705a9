"""Bounds of the time along paths between vertices of a graph, for many pairs at once.

In a forest there is one path, and a pair costs a few steps of arithmetic: sums from the root, and the last
common ancestor (binary lifting; Bender and Farach-Colton, The level ancestor problem simplified, 2004).
Otherwise there may be several paths, and one search from each first vertex finds the bounds over all of
them. A vertex with one link isn't searched from: its neighbour is, once for all that are behind it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from emulator.checks.crossing_times import HIGH, LOW, ROOM, Times
from topologies.graph_arrays import UNREACHED, Adjacency, both_ways, components

Ints = npt.NDArray[np.int64]
UNJOINED = np.array([0.0, np.inf, 0.0])
"""Bounds where no path is: nothing is outside them."""


class PathTimes(Protocol):
    """Bounds of the time from one vertex to another."""

    def between(self, first: Ints, last: Ints) -> Times:
        """Return the times one way (float64[q, 3]) between vertices: int64[q] each."""
        ...


def widened(groups: Ints, times: Times, count: int) -> Times:
    """Return the bounds of `times` (float64[q, 3]) by group (int64[q]): float64[count, 3]."""
    out = np.tile([np.inf, 0.0, 0.0], (count, 1))
    joined = np.isfinite(times).all(axis=1)
    _widen(out, groups[joined], times[joined])
    out[np.isinf(out[:, LOW])] = UNJOINED
    return out


def _widen(out: Times, rows: Ints, times: Times) -> None:
    """Widen bounds: rows may occur several times."""
    np.minimum.at(out[:, LOW], rows, times[:, LOW])
    for column in (HIGH, ROOM):
        np.maximum.at(out[:, column], rows, times[:, column])


class ForestTimes:
    """Path times in a forest: `ends` int64[k, 2] are its edges, `times` float64[k, 2, 3] each way."""

    def __init__(self, ends: Ints, times: Times, count: int) -> None:
        tails, heads = both_ways(ends)
        graph, flat = Adjacency(tails, heads, count), times.reshape(-1, 3)
        self._root = components(ends[:, 0], ends[:, 1], count)
        self._depth = np.full(count, UNREACHED, dtype=np.int64)
        self._down, self._up = np.zeros((2, count, 3))  # from the root, to the root
        parent = np.arange(count)
        frontier = np.flatnonzero(self._root == parent)
        self._depth[frontier] = level = 0
        while len(frontier):
            level += 1
            edges = graph.leaving(frontier)
            edges = edges[self._depth[heads[edges]] == UNREACHED]
            above, frontier = tails[edges], heads[edges]
            self._depth[frontier], parent[frontier] = level, above
            self._down[frontier] = self._down[above] + flat[edges]
            self._up[frontier] = self._up[above] + flat[edges ^ 1]
        self._above = [parent]
        while len(self._above) < level.bit_length():
            self._above.append(self._above[-1][self._above[-1]])

    def between(self, first: Ints, last: Ints) -> Times:
        """Return the times one way (float64[q, 3]) between vertices: int64[q] each."""
        meet = self._common(first, last)
        out = self._up[first] - self._up[meet] + self._down[last] - self._down[meet]
        out = np.maximum(out, 0.0)  # differences of sums: a little less than 0 where nothing is between
        out[self._root[first] != self._root[last]] = UNJOINED
        return out

    def _common(self, a: Ints, b: Ints) -> Ints:
        """Return the last common ancestors of joined vertices."""
        deeper = self._depth[a] >= self._depth[b]
        low, high = np.where(deeper, a, b), np.where(deeper, b, a)
        higher = self._depth[low] - self._depth[high]
        for bit, above in enumerate(self._above):
            low = np.where(higher >> bit & 1, above[low], low)
        for above in reversed(self._above):
            differ = above[low] != above[high]
            low, high = np.where(differ, above[low], low), np.where(differ, above[high], high)
        return np.where(low == high, low, self._above[0][low])


class SearchedTimes(ABC):
    """Path times in a graph with loops, by a search from each first vertex; arguments as of a forest's."""

    def __init__(self, ends: Ints, times: Times, count: int) -> None:
        degree = np.bincount(ends.ravel(), minlength=count)
        leaf = (degree[ends] == 1) & (degree[ends[:, ::-1]] > 1)
        self._home = np.arange(count)
        self._home[ends[leaf]] = ends[:, ::-1][leaf]
        self._out, self._in = np.zeros((2, count, 3))
        self._out[ends[leaf]], self._in[ends[leaf]] = times[leaf], times[:, ::-1][leaf]
        inner = ~leaf.any(axis=1)
        self._tails, self._heads = both_ways(ends[inner])
        self._times = times[inner].reshape(-1, 3)
        self._count = count

    def between(self, first: Ints, last: Ints) -> Times:
        """Return the times one way (float64[q, 3]) between vertices: int64[q] each."""
        out = self._out[first] + self._in[last]
        home = self._home[first]
        order = np.argsort(home, kind="stable")
        starts = np.flatnonzero(np.diff(home[order], prepend=-1))
        for rows in np.split(order, starts[1:]) if len(order) else []:
            out[rows] += self._from(int(home[rows[0]]))[self._home[last[rows]]]
        out[first == last] = 0.0
        out[np.isinf(out).any(axis=1)] = UNJOINED
        return out

    @abstractmethod
    def _from(self, source: int) -> Times:
        """Return the times from `source` to each vertex, infinite where no path is: float64[count, 3]."""


class EqualPathTimes(SearchedTimes):
    """Bounds over all paths with the fewest links, whatever their delays."""

    def __init__(self, ends: Ints, times: Times, count: int) -> None:
        super().__init__(ends, times, count)
        self._graph = Adjacency(self._tails, self._heads, count)

    def _from(self, source: int) -> Times:
        return shortest(self._graph, self._tails, self._times, source)[1]


class AnyPathTimes(SearchedTimes):
    """Bounds over all paths: from the quickest to one over every link."""

    def _from(self, source: int) -> Times:
        out = np.tile([np.inf, 0.0, 0.0], (self._count, 1))
        out[:, 1:] = self._times.reshape(-1, 2, 3).max(axis=1, initial=0.0).sum(axis=0)[1:]
        out[source, LOW] = 0.0
        low, times = out[:, LOW], self._times[:, LOW]
        while True:  # Bellman and Ford, all links at once
            before = low.copy()
            np.minimum.at(low, self._heads, low[self._tails] + times)
            if np.array_equal(low, before):
                return out


def shortest(graph: Adjacency, tails: Ints, times: Times, source: int) -> tuple[Ints, Times]:
    """Return the hops from `source` to each vertex, and the bounds of the time over all shortest paths.

    `tails` (int64[e]) and `times` (float64[e, 3]) are those of the graph's edges. Vertices that no path
    reaches have UNREACHED hops and infinite times.
    """
    hops = np.full(graph.count, UNREACHED, dtype=np.int64)
    out = np.full((graph.count, 3), np.inf)
    hops[source] = level = 0
    out[source] = 0.0
    frontier = np.array([source])
    place = np.empty(graph.count, dtype=np.int64)
    while len(frontier):
        level += 1
        edges = graph.leaving(frontier)
        edges = edges[hops[graph.heads[edges]] == UNREACHED]
        heads, sums = graph.heads[edges], out[tails[edges]] + times[edges]
        place[heads] = np.arange(len(heads))
        frontier = heads[place[heads] == np.arange(len(heads))]  # each once, without sorting
        hops[frontier] = level
        out[frontier, 1:] = 0.0
        _widen(out, heads, sums)
    return hops, out
