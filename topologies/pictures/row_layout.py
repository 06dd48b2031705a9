"""Layout of a layered picture: the positions of the items in their rows."""

from __future__ import annotations

import numpy as np

from topologies.pictures.fold import Fold
from topologies.pictures.hierarchy import Hierarchy
from topologies.topology import F64, I64

_GROUP_GAP = 0.7
"""Gap between two groups of the lowest row, in item widths."""
_OUTER_GAP = 0.16
"""Additional gap where outer groups change, in widths of such a group."""
WIDEST = 110.0
"""Largest distance of neighbours in the lowest row, in pixels; twice that for stacks."""
_GAP, _TOP_GAP = 84.0, 190.0
"""Smallest distance of neighbours in the middle rows and in the top row, if there is room."""


def spread(wanted: F64, gap: float) -> F64:
    """Return positions at least `gap` apart, in the same order, with least squared moves from `wanted`.

    Without the gaps that is an isotonic regression: pool adjacent violators (Barlow et al.:
    Statistical Inference under Order Restrictions, 1972).
    """
    offsets = np.arange(len(wanted)) * gap
    blocks: list[list[float]] = []  # mean, size
    for value in (wanted - offsets).tolist():
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * size) / (last[1] + size)
            last[1] += size
    level = np.repeat([mean for mean, _ in blocks], [int(size) for _, size in blocks])
    return np.asarray(level + offsets)


def row_order(fold: Fold, tree: Hierarchy, row: int) -> I64:
    """Return the items of layer `row` from left to right: groups stay together, then file order."""
    items = np.flatnonzero(fold.layer == row)
    keys = [fold.first[items], *(labels[fold.first[items]] for labels in reversed(tree.groups))]
    return items[np.lexsort(keys)]


def layered(fold: Fold, tree: Hierarchy, width: float) -> tuple[F64, F64]:
    """Return (x of each item: float64[k], item distance of each row: float64[rows]) within `width`.

    The lowest row is even, with gaps between groups; each row above is centred over its children.
    """
    rows = int(fold.layer.max()) + 1
    x, spacing = np.zeros(len(fold)), np.zeros(rows)
    sizes = np.bincount(fold.layer, minlength=rows)
    room = width
    for row in reversed(range(rows)):
        items = row_order(fold, tree, row)
        if row == rows - 1:
            widest = WIDEST if (fold.count[items] == 1).all() else 2 * WIDEST
            x[items], spacing[row] = _even(_breaks(fold, tree, items), width, widest)
            room = min(width, max(float(np.ptp(x[items])) + spacing[row], int(sizes.max()) * WIDEST))
            continue
        gap = min(0.86 * room / max(len(items), 1), _TOP_GAP if row == 0 else _GAP)
        wanted = _over(fold, items, x, width)
        if row == 0:
            items, wanted = items[np.argsort(wanted, kind="stable")], np.sort(wanted)
        places = _squeezed(spread(wanted, gap), (width - room + gap) / 2, (width + room - gap) / 2)
        x[items] = places
        spacing[row] = np.diff(places).min(initial=2 * WIDEST)
    return x, spacing


def _squeezed(places: F64, low: float, high: float) -> F64:
    """Return `places` scaled into low…high where they exceed it."""
    if len(places) < 2 or (places[0] >= low and places[-1] <= high):
        return places
    start, end = min(places[0], low), max(places[-1], high)
    return np.asarray(low + (places - start) * (high - low) / (end - start))


def _breaks(fold: Fold, tree: Hierarchy, items: I64) -> F64:
    """Return the gap before each item of the lowest row, in items: wider where outer groups change."""
    gap = np.zeros(len(items))
    nested = [labels[fold.first[items]] for labels in tree.groups]
    sized = [mine for mine in nested if 1 < len(np.unique(mine)) < len(mine)]
    for depth, mine in enumerate(reversed(sized)):
        changes = np.concatenate([[False], mine[1:] != mine[:-1]])
        inside = len(items) / len(np.unique(mine))
        gap[changes] = _GROUP_GAP + (_OUTER_GAP * inside if depth else 0)
    return gap


def _even(gaps: F64, width: float, widest: float) -> tuple[F64, float]:
    """Return even positions within `width`, with `gaps` items added, and the distance of neighbours."""
    steps = np.arange(len(gaps)) + np.cumsum(gaps)
    unit = min(width / (steps[-1] + 1), widest)
    return (steps - steps[-1] / 2) * unit + width / 2, unit


def _over(fold: Fold, items: I64, x: F64, width: float) -> F64:
    """Return the mean position of the children of each item; the middle without any."""
    total, count = np.zeros(len(fold)), np.zeros(len(fold))
    for upper, lower in ((0, 1), (1, 0)):
        up, low = fold.links[:, upper], fold.links[:, lower]
        down = fold.layer[low] > fold.layer[up]
        np.add.at(total, up[down], x[low[down]])
        np.add.at(count, up[down], 1)
    return np.where(count[items] > 0, total[items] / np.maximum(count[items], 1), width / 2)
