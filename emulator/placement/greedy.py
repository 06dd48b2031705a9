"""Placement of arbitrary graphs without METIS: breadth-first lines cut in two, again and again, then mended.

A line starts at a node far from all others and visits neighbours of few links first (Cuthill and
McKee: Reducing the bandwidth of sparse symmetric matrices, ACM 1969), so that a border of the line is
a thin front of the graph. Cutting in two and starting a new line in each half keeps the parts round where
one line cut into many would make them bands. Then units at the borders move to the worker they have
most links to, while that cuts fewer links and keeps the balance (after Fiduccia and Mattheyses: A
linear-time heuristic for improving network partitions, DAC 1982, greatly simplified).
"""

from __future__ import annotations

import numpy as np

from emulator.placement.metis import neighbours
from emulator.placement.runs import crossing, cut
from emulator.placement.units import Units, total
from topologies.topology import F64, I64

_PASSES = 8
_SLACK = 0.015
"""Imbalance allowed in each cut in two: it adds up over the cuts."""
_BALANCE = 1.05
"""Imbalance allowed in the last mending, all workers together."""
_MOST_PAIRS = 1_000_000
"""Above so many pairs of linked units borders aren't mended: it is a loop of Python."""


def place_greedily(units: Units, share: F64) -> I64:
    """Return the worker of each unit (int64[u]); `share` (float64[w]) is what each should hold."""
    worker = np.zeros(units.count, dtype=np.int64)
    position = np.empty(units.count, dtype=np.int64)
    todo = [(np.arange(units.count), units.pairs, units.links, 0, len(share))]
    while todo:
        members, pairs, links, low, high = todo.pop()
        worker[members] = low
        if high - low < 2 or not len(members):
            continue
        middle = (low + high) // 2
        position[members] = np.arange(len(members))
        local = position[pairs]
        halves = np.array([share[low:middle].sum(), share[middle:high].sum()])
        side = _halved(local, links, units.memory[members], halves / halves.sum())
        side_of_ends = side[local]
        for half, first, last in ((0, low, middle), (1, middle, high)):
            inside = (side_of_ends == half).all(axis=1)
            todo.append((members[side == half], pairs[inside], links[inside], first, last))
    _mend(worker, units.pairs, units.links, units.memory, share, balance=_BALANCE)
    return worker


def _halved(pairs: I64, links: I64, memory: I64, share: F64) -> I64:
    """Return the half (0 or 1) of each of v units: int64[v]. `pairs` int64[k, 2] are numbers of units."""
    count = len(memory)
    start, other, _ = neighbours(pairs, links, count)
    order = _line(start, other)
    position = np.empty(count, dtype=np.int64)
    position[order] = np.arange(count)
    ends = np.repeat(position[pairs], links, axis=0)
    side = cut(memory[order], crossing(ends[:, 0], ends[:, 1], count), share, _SLACK)[position]
    _mend(side, pairs, links, memory, share, balance=1 + _SLACK)
    return side


def _line(start: I64, other: I64) -> I64:
    """Return all units in breadth-first order, component by component: int64[u]."""
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
    """Return the units reached from `root`, level by level.

    Each level is in the order of the units it was reached from, and those of fewest links first.
    """
    place = {root}
    level = np.array([root], dtype=np.int64)
    out = [level]
    while True:
        rows = [other[start[unit] : start[unit + 1]] for unit in level.tolist()]
        reached = np.concatenate(rows) if rows else level[:0]
        origin = np.repeat(np.arange(len(level)), degree[level])
        fresh, first = np.unique(reached, return_index=True)
        new = np.array([unit not in place for unit in fresh.tolist()], dtype=bool)
        fresh, first = fresh[new], first[new]
        if not len(fresh):
            return out
        level = fresh[np.lexsort((fresh, degree[fresh], origin[first]))]
        place.update(level.tolist())
        out.append(level)


def _mend(worker: I64, pairs: I64, links: I64, memory: I64, share: F64, *, balance: float) -> None:
    """Move units at borders to the worker they have most links to, in place.

    None gets more than `balance` times its share by it.
    """
    if len(pairs) > _MOST_PAIRS:
        return
    start, other, weights = neighbours(pairs, links, len(memory))
    load = total(worker, memory, len(share)).tolist()
    limit = (share * memory.sum() * balance).tolist()
    for _ in range(_PASSES):
        border = np.unique(pairs[worker[pairs[:, 0]] != worker[pairs[:, 1]]])
        moved = False
        for unit in border.tolist():
            row = slice(start[unit], start[unit + 1])
            here, weight = int(worker[unit]), int(memory[unit])
            by_worker: dict[int, int] = {here: 0}
            for at, count in zip(worker[other[row]].tolist(), weights[row].tolist(), strict=True):
                by_worker[at] = by_worker.get(at, 0) + count
            able = [at for at in by_worker if at == here or load[at] + weight <= limit[at]]
            _, _, _, best = max((by_worker[at], at == here, -load[at], at) for at in able)
            if best != here:
                worker[unit] = best
                load[here] -= weight
                load[best] += weight
                moved = True
        if not moved:
            return
