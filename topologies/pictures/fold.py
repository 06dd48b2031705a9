"""Fold a large graph into stacks, along its own hierarchy.

Folded at a level, each group of that level is drawn as one stack per layer, and the nodes above it
one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topologies.pictures.hierarchy import Hierarchy
from topologies.topology import I64, Topology

MAX_ITEMS = 400
MAX_IN_LAYER = 160
"""Largest number of items in one row: more would be too narrow to see."""
MAX_TOP = 40
"""Largest number of nodes of the top row that are drawn one by one above a fold."""


@dataclass(frozen=True)
class Fold:
    """Items to draw: k of them, each a node or a stack of nodes of one layer and group.

    `item` int64[n] is each node's item; `first`, `count`, `layer` int64[k]; `group` int64[k] is
    the group that a stack stands for (-1 for a node by itself); `links` int64[e, 2] and `widths`
    int64[e]: linked items and the number of their links; `link` int64[e] is one of those links.
    """

    item: I64
    first: I64
    count: I64
    layer: I64
    group: I64
    links: I64
    widths: I64
    link: I64
    level: int | None

    def __len__(self) -> int:
        return len(self.first)


def folded(topology: Topology, tree: Hierarchy, level: int | None) -> Fold:
    """Return `topology` with every group of `level` (None: nothing) as one stack per layer.

    Above a fold, a crowded top row is folded too: nodes linked to the same items form one stack.
    """
    n = topology.node_count
    group = np.full(n, -1, dtype=np.int64) if level is None else tree.groups[level]
    fold = _made(topology, tree, group, level)
    top = tree.layer == 0
    if level is None or not tree.layered or top.sum() <= MAX_TOP or (group[top] >= 0).any():
        return fold
    return _made(topology, tree, np.where(top, _twins(topology, fold, top), group), level)


def _twins(topology: Topology, fold: Fold, top: npt.NDArray[np.bool_]) -> I64:
    """Return the smallest node of the top row that is linked to the same items: int64[n]."""
    joined: dict[int, set[int]] = {node: set() for node in np.flatnonzero(top).tolist()}
    for a, b in topology.ends[top[topology.ends].any(axis=1)].tolist():
        for node, other in ((a, b), (b, a)):
            if node in joined:
                joined[node].add(int(fold.item[other]))
    first: dict[frozenset[int], int] = {}
    out = np.full(topology.node_count, -1, dtype=np.int64)
    for node, items in joined.items():
        out[node] = first.setdefault(frozenset(items), node)
    return out


def _made(topology: Topology, tree: Hierarchy, group: I64, level: int | None) -> Fold:
    """Return the fold of one stack per group and layer."""
    key = np.where(group >= 0, group, np.arange(topology.node_count))
    mark = (key * (int(tree.layer.max()) + 1) + tree.layer) * 2 + (group >= 0)
    _, first, item, count = np.unique(mark, return_index=True, return_inverse=True, return_counts=True)
    by_index = np.argsort(first, kind="stable")
    rank = np.empty_like(by_index)
    rank[by_index] = np.arange(len(by_index))
    item = rank[item.ravel()]
    ends = np.sort(item[topology.ends.astype(np.int64)], axis=1).reshape(-1, 2)
    outside = np.flatnonzero(ends[:, 0] != ends[:, 1])
    pair = ends[outside, 0] * len(by_index) + ends[outside, 1]
    _, link, widths = np.unique(pair, return_index=True, return_counts=True)
    link = outside[link]
    first, count = first[by_index], count[by_index]
    return Fold(item, first, count, tree.layer[first], group[first], ends[link], widths, link, level)


def fits(fold: Fold, most: int = MAX_ITEMS) -> bool:
    """Return whether `fold` has few enough items to draw."""
    rows = np.bincount(fold.layer)
    return len(fold) <= most and int(rows.max()) <= max(MAX_IN_LAYER, most // 2)


def best(topology: Topology, tree: Hierarchy, most: int = MAX_ITEMS) -> Fold:
    """Return the finest fold of `topology` of at most `most` items; the coarsest when none is."""
    levels = [None, *reversed(range(len(tree.groups)))]
    fold = folded(topology, tree, levels[-1])
    for level in levels if topology.node_count <= 50 * most else levels[1:]:
        found = folded(topology, tree, level)
        if fits(found, most):
            return found
    return fold
