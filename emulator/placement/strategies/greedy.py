"""Placement of arbitrary graphs without METIS: recursive bisection of breadth-first lines, then refinement.

A line starts at a node far from all others and visits neighbours of few links first (Cuthill and
McKee: Reducing the bandwidth of sparse symmetric matrices, ACM 1969), so that a border of the line is
a thin front of the graph. Bisecting, with a new line in each half, keeps the parts round; one line cut into
many would make them bands. Refinement moves clusters at the borders to the worker they have most links
to, while that cuts fewer links and keeps the balance (after Fiduccia and Mattheyses: A linear-time
heuristic for improving network partitions, DAC 1982, greatly simplified).
"""

from __future__ import annotations

import numpy as np

from emulator.placement.clusters import neighbours, total
from emulator.placement.line_cuts import crossing_links, cut_line
from emulator.placement.strategy import Request
from topologies.topology import F64, I64

_PASSES = 8
_SLACK = 0.015
"""Imbalance allowed in each bisection: it adds up over the cuts."""
_BALANCE = 1.05
"""Imbalance allowed in the last refinement, of all workers together."""
_MOST_PAIRS = 1_000_000
"""Above so many pairs of linked clusters borders aren't refined: it is a loop of Python."""


def by_bisection(request: Request) -> I64:
    """Return the worker of each cluster (int64[c])."""
    clusters, share = request.clusters, request.share
    worker = np.zeros(clusters.count, dtype=np.int64)
    position = np.empty(clusters.count, dtype=np.int64)
    todo = [(np.arange(clusters.count), clusters.pairs, clusters.links, 0, len(share))]
    while todo:
        members, pairs, links, low, high = todo.pop()
        worker[members] = low
        if high - low < 2 or not len(members):
            continue
        middle = (low + high) // 2
        position[members] = np.arange(len(members))
        local = position[pairs]
        halves = np.array([share[low:middle].sum(), share[middle:high].sum()])
        side = _bisect(local, links, clusters.memory[members], halves / halves.sum())
        side_of_ends = side[local]
        for half, first, last in ((0, low, middle), (1, middle, high)):
            inside = (side_of_ends == half).all(axis=1)
            todo.append((members[side == half], pairs[inside], links[inside], first, last))
    _refine(worker, clusters.pairs, clusters.links, clusters.memory, share, balance=_BALANCE)
    return worker


def _bisect(pairs: I64, links: I64, memory: I64, share: F64) -> I64:
    """Return the half (0 or 1) of each of v clusters: int64[v]. `pairs` int64[k, 2] holds their numbers."""
    count = len(memory)
    start, other, _ = neighbours(pairs, links, count)
    order = _line(start, other)
    position = np.empty(count, dtype=np.int64)
    position[order] = np.arange(count)
    ends = np.repeat(position[pairs], links, axis=0)
    crossings = crossing_links(ends[:, 0], ends[:, 1], count)
    side = cut_line(memory[order], crossings, share, _SLACK)[position]
    _refine(side, pairs, links, memory, share, balance=1 + _SLACK)
    return side


def _line(start: I64, other: I64) -> I64:
    """Return all clusters in breadth-first order, component by component: int64[v]."""
    degree = np.diff(start)
    seen = np.zeros(len(degree), dtype=bool)
    parts = []
    for first in np.argsort(degree, kind="stable").tolist():
        if seen[first]:
            continue
        end = _levels(start, other, first, degree)[-1]
        levels = _levels(start, other, int(end[0]), degree)
        parts += levels
        seen[np.concatenate(levels)] = True
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _levels(start: I64, other: I64, root: int, degree: I64) -> list[I64]:
    """Return the clusters reached from `root`, level by level.

    A level keeps the order of the clusters it was reached from; those of fewest links come first.
    """
    seen = {root}
    level = np.array([root], dtype=np.int64)
    levels = [level]
    while True:
        rows = [other[start[cluster] : start[cluster + 1]] for cluster in level.tolist()]
        reached = np.concatenate(rows) if rows else level[:0]
        origin = np.repeat(np.arange(len(level)), degree[level])
        fresh, first = np.unique(reached, return_index=True)
        new = np.array([cluster not in seen for cluster in fresh.tolist()], dtype=bool)
        fresh, first = fresh[new], first[new]
        if not len(fresh):
            return levels
        level = fresh[np.lexsort((fresh, degree[fresh], origin[first]))]
        seen.update(level.tolist())
        levels.append(level)


def _refine(worker: I64, pairs: I64, links: I64, memory: I64, share: F64, *, balance: float) -> None:
    """Move clusters at borders to the worker they have most links to, in place.

    No worker gets more than `balance` times its share by it.
    """
    if len(pairs) > _MOST_PAIRS:
        return
    start, other, weights = neighbours(pairs, links, len(memory))
    load = total(worker, memory, len(share)).tolist()
    limit = (share * memory.sum() * balance).tolist()
    for _ in range(_PASSES):
        border = np.unique(pairs[worker[pairs[:, 0]] != worker[pairs[:, 1]]])
        moved = False
        for cluster in border.tolist():
            row = slice(start[cluster], start[cluster + 1])
            here, weight = int(worker[cluster]), int(memory[cluster])
            by_worker: dict[int, int] = {here: 0}
            for at, count in zip(worker[other[row]].tolist(), weights[row].tolist(), strict=True):
                by_worker[at] = by_worker.get(at, 0) + count
            able = [at for at in by_worker if at == here or load[at] + weight <= limit[at]]
            _, _, _, best = max((by_worker[at], at == here, -load[at], at) for at in able)
            if best != here:
                worker[cluster] = best
                load[here] -= weight
                load[best] += weight
                moved = True
        if not moved:
            return
