"""Curves of links: Bézier curves of two, three or four points, float64[k, 2]."""

from __future__ import annotations

import numpy as np

from topologies.pictures.scene import Scene
from topologies.topology import F64

_STRAIGHT = 160
"""Number of links above which they are drawn straight: curves would overlap."""


def curve(drawn: Scene, a: int, b: int) -> F64:
    """Return the curve of a link between two items; it begins at the upper one."""
    x, y = drawn.x, drawn.y
    if y[a] > y[b]:
        a, b = b, a
    start, end = (x[a], y[a]), (x[b], y[b])
    if not drawn.tree.layered:
        bend = _bend(drawn, a, b)
        return np.array([start, end] if bend is None else [start, bend, end])
    if y[a] == y[b]:
        low = y[a] + min(48.0, abs(x[a] - x[b]) * 0.6)
        return np.array([start, ((x[a] + x[b]) / 2, low), end])
    if len(drawn.fold.links) > _STRAIGHT:
        return np.array([start, end])
    middle = (y[a] + y[b]) / 2
    return np.array([start, (x[a], middle), (x[b], middle), end])


def path(points: F64) -> str:
    """Return the curve as the data of an SVG path."""
    (x, y), *rest = points.tolist()
    kind = {1: "L", 2: "Q", 3: "C"}[len(rest)]
    return f"M{x:.1f} {y:.1f}{kind}" + " ".join(f"{x:.1f} {y:.1f}" for x, y in rest)


def at(points: F64, share: float) -> tuple[float, float]:
    """Return the point of a curve at `share` of its parameter, 0 to 1 (de Casteljau)."""
    while len(points) > 1:
        points = points[:-1] * (1 - share) + points[1:] * share
    return float(points[0, 0]), float(points[0, 1])


def _bend(drawn: Scene, a: int, b: int) -> tuple[float, float] | None:
    """Return the control point that bends a link around the nodes in its way; None without any."""
    points = np.stack([drawn.x, drawn.y], axis=1)
    start, along = points[a], points[b] - points[a]
    length = float(np.hypot(*along))
    if length < 1:
        return None
    reach = (points - start) @ along / length
    beside = np.abs((points - start) @ np.array([-along[1], along[0]]) / length)
    if not ((reach > 2) & (reach < length - 2) & (beside < 7) & (drawn.fold.layer == 0)).any():
        return None
    side = np.array([along[1], -along[0]]) / length
    if side[1] > 0 or (abs(side[1]) < 1e-9 and side[0] > 0):
        side = -side  # rows bend up, columns to the left
    x, y = start + along / 2 + side * min(0.16 * length + 16, 110)
    return float(x), float(y)
