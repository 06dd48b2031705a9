"""Placement along the hierarchy that generators know: runs of racks that end at larger borders.

Leaf groups are numbered so that near in number is near in the hierarchy (`Topology.groups`). A switch
above the leaves carries its first leaf group: it goes where its subtree begins. Nodes of no group (cores)
serve all groups alike and are spread by load.
"""

from __future__ import annotations

import numpy as np

from emulator.errors import UsageError
from emulator.placement.clusters import total
from emulator.placement.line_cuts import crossing_links, cut_line
from emulator.placement.load import fill_by_load
from emulator.placement.strategy import Request
from topologies.topology import I64, Kind, Topology


def is_hierarchical(topology: Topology) -> bool:
    """Return whether the leaf groups form a hierarchy, and don't just number the switches.

    They do when most nodes have one, and there are switches above those of a single tier.
    """
    grouped = topology.groups >= 0
    if np.count_nonzero(grouped) * 2 <= topology.node_count:
        return False
    inner = topology.kinds != Kind.HOST
    tiers = np.unique(topology.tiers[grouped & inner])
    return len(tiers) > 1 or (len(tiers) == 1 and bool((inner & ~grouped).any()))


def is_grouped(topology: Topology) -> bool:
    """Return whether there are nodes, and all have a leaf group."""
    return topology.node_count > 0 and bool((topology.groups >= 0).all())


def by_hierarchy(request: Request) -> I64:
    """Return the worker of each cluster (int64[c]). UsageError when the topology has no hierarchy."""
    if not (request.topology.groups >= 0).any():
        raise UsageError("this topology has no hierarchy to place it by; use `metis` or `spread`")
    clusters = request.clusters
    group = request.topology.groups[clusters.representative].astype(np.int64)
    grouped = np.flatnonzero(group >= 0)
    known, item = np.unique(group[grouped], return_inverse=True)
    position = np.full(clusters.count, -1, dtype=np.int64)
    position[grouped] = item
    weights = total(item, clusters.memory[grouped], len(known))
    ends = position[clusters.pairs]
    both = (ends >= 0).all(axis=1)
    ends = np.repeat(ends[both], clusters.links[both], axis=0)
    run = cut_line(weights, crossing_links(ends[:, 0], ends[:, 1], len(known)), request.share)
    worker = np.full(clusters.count, -1, dtype=np.int64)
    worker[grouped] = run[item]
    fill_by_load(worker, clusters, request.share)
    return worker
