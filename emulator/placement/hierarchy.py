"""Placement along the hierarchy that generators know: runs of racks, ended at larger borders.

Leaf groups are numbered so that near in number is near in the hierarchy (`Topology.groups`), and a
switch above the leaves carries its first leaf group: it goes where its subtree begins. What is of
no group (cores) serves all alike and is spread by load.
"""

from __future__ import annotations

import heapq

import numpy as np

from emulator.placement.runs import crossing, cut
from emulator.placement.units import Units, total
from topologies.topology import F64, I64, Kind, Topology


def is_hierarchical(topology: Topology) -> bool:
    """Return whether the leaf groups are those of a hierarchy, and not just the numbers of the switches.

    They are when most nodes have one, and there are switches above those of a single tier.
    """
    grouped = topology.groups >= 0
    if np.count_nonzero(grouped) * 2 <= topology.node_count:
        return False
    inner = topology.kinds != Kind.HOST
    tiers = np.unique(topology.tiers[grouped & inner])
    return len(tiers) > 1 or (len(tiers) == 1 and bool((inner & ~grouped).any()))


def place_by_groups(topology: Topology, units: Units, share: F64) -> I64:
    """Return the worker of each unit (int64[u]); `share` (float64[w]) is what each should hold."""
    group = topology.groups[units.representative].astype(np.int64)
    grouped = np.flatnonzero(group >= 0)
    known, item = np.unique(group[grouped], return_inverse=True)
    position = np.full(units.count, -1, dtype=np.int64)
    position[grouped] = item
    weights = total(item, units.memory[grouped], len(known))
    ends = position[units.pairs]
    both = (ends >= 0).all(axis=1)
    ends = np.repeat(ends[both], units.links[both], axis=0)
    run = cut(weights, crossing(ends[:, 0], ends[:, 1], len(known)), share)
    out = np.full(units.count, -1, dtype=np.int64)
    out[grouped] = run[item]
    _spread_by_load(out, units, share)
    return out


def _spread_by_load(worker: I64, units: Units, share: F64) -> None:
    """Give each unit that has no worker (-1) to the one least loaded for its share; in place."""
    placed = worker >= 0
    load = total(worker[placed], units.memory[placed], len(share))
    heap = [(load[w] / share[w], w) for w in range(len(share)) if share[w] > 0]
    heapq.heapify(heap)
    for unit in np.flatnonzero(~placed).tolist():
        relative, w = heap[0]
        worker[unit] = w
        heapq.heapreplace(heap, (relative + max(units.memory[unit], 1) / share[w], w))


def place_spread(units: Units, share: F64) -> I64:
    """Return units dealt out one after the other by load, whatever they are linked to: int64[u]."""
    out = np.full(units.count, -1, dtype=np.int64)
    _spread_by_load(out, units, share)
    return out
