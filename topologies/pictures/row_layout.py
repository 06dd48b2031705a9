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
MOST_PANELS = 24
PANEL_GAP = 8.0
"""Gap between two panels, in pixels."""
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

    The lowest row is even, with gaps between groups; each row above is centred over its children, and what
    is in a panel stays between its edges.
    """
    rows = int(fold.layer.max()) + 1
    x, spacing = np.zeros(len(fold)), np.zeros(rows)
    sizes = np.bincount(fold.layer, minlength=rows)
    room = width
    panels = panel_groups(fold, tree)
    edges: dict[int, tuple[float, float]] = {}
    for row in reversed(range(rows)):
        items = row_order(fold, tree, row)
        if row == rows - 1:
            widest = WIDEST if (fold.count[items] == 1).all() else 2 * WIDEST
            x[items], spacing[row] = _even(_breaks(fold, tree, items), width, widest)
            room = min(width, max(float(np.ptp(x[items])) + spacing[row], int(sizes.max()) * WIDEST))
            edges = panel_edges(panels, items, x, float(spacing[row]))
            continue
        gap = min(0.86 * room / max(len(items), 1), _TOP_GAP if row == 0 else _GAP)
        wanted = _over(fold, items, x, width)
        if row == 0:
            items, wanted = items[np.argsort(wanted, kind="stable")], np.sort(wanted)
        inside = panels[items]
        each = 2 * WIDEST
        if edges and (inside >= 0).all():
            places, each = _between(edges, inside, wanted, gap)
        else:
            places = _squeezed(spread(wanted, gap), (width - room + gap) / 2, (width + room - gap) / 2)
        x[items] = places
        spacing[row] = np.diff(places).min(initial=each)
    return x, spacing


def panel_groups(fold: Fold, tree: Hierarchy) -> I64:
    """Return the group of each item that a panel is drawn behind: int64[k], -1 without one.

    They are the outermost groups, when they are a few, of several rows, and in the lowest row one beside the
    other.
    """
    nothing = np.full(len(fold), -1, dtype=np.int64)
    if not tree.layered:
        return nothing
    for labels in tree.groups:
        mine = labels[fold.first]
        found = np.unique(mine[mine >= 0])
        if len(found) < 2:
            continue
        rows = [np.unique(fold.layer[mine == group]) for group in found.tolist()]
        fits = len(found) <= MOST_PANELS and max(map(len, rows)) > 1
        return mine if fits and all(one[-1] == fold.layer.max() for one in rows) else nothing
    return nothing


def panel_edges(panels: I64, lowest: I64, x: F64, unit: float) -> dict[int, tuple[float, float]]:
    """Return the left and right edge of each panel, by its items of the lowest row (in their order).

    Neighbouring panels share what is between them, with a gap.
    """
    mine = panels[lowest]
    found: dict[int, tuple[float, float]] = {}
    if not len(mine) or (mine < 0).any():
        return found
    starts = np.flatnonzero(np.concatenate([[True], mine[1:] != mine[:-1]]))
    ends = np.append(starts[1:], len(mine)) - 1
    left, right = x[lowest[starts]], x[lowest[ends]]
    free = np.minimum((left[1:] - right[:-1]) / 2 - PANEL_GAP / 2, WIDEST * 0.7)
    out = np.clip(unit * 0.75, 4, WIDEST * 0.7)
    before, after = np.concatenate([[out], free]), np.concatenate([free, [out]])
    for group, low, high in zip(mine[starts].tolist(), left - before, right + after, strict=True):
        found[group] = (float(low), float(high))
    return found


def _between(
    edges: dict[int, tuple[float, float]], inside: I64, wanted: F64, gap: float
) -> tuple[F64, float]:
    """Return positions near `wanted`, each in its panel (`inside`), and the least room of one."""
    places, each = np.empty(len(wanted)), 2 * WIDEST
    for group, (low, high) in edges.items():
        mine = np.flatnonzero(inside == group)
        if len(mine):
            room = (high - low) / len(mine)
            step = min(gap, room)
            spaced = spread(wanted[mine], step)
            places[mine] = np.clip(
                _squeezed(spaced, low + step / 2, high - step / 2), low + step / 2, high - step / 2
            )
            beside = min(places[mine].min() - low, high - places[mine].max())
            each = min(each, room, 2 * float(beside))
    return places, each


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
