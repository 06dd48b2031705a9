"""Size and position of names on and beside nodes, where they cover nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from topologies.pictures.scene import WIDTH, Scene
from topologies.topology import F64, Kind

CHARACTER = 0.6
"""Mean width of a character, in text sizes."""
_SMALLEST, _LARGEST = 7.4, 11.0
_BESIDE = 6.0
"""Mean width of a character of a name beside its node, in pixels."""
_MOST_SMALL = 90


class Side(NamedTuple):
    """Position of a name relative to its node's centre in pixels; `anchor` is SVG's text-anchor."""

    anchor: str
    dx: float
    dy: float


class Labels:
    """Free places for names beside nodes; a name without a free place isn't drawn."""

    def __init__(self, drawn: Scene) -> None:
        self._drawn = drawn
        reach = np.clip(drawn.spacing * 0.3, 4, 9)
        self._boxes = np.stack([drawn.x - reach, drawn.y - reach, drawn.x + reach, drawn.y + reach], axis=1)

        ends = np.stack([drawn.x, drawn.y], axis=1)[drawn.fold.links]
        steps = np.linspace(0, 1, 40)[:, None, None]
        self._points = (ends[:, 0] * (1 - steps) + ends[:, 1] * steps).reshape(-1, 2)
        names, first = drawn.topology.names, drawn.fold.first
        self._longest: dict[tuple[int, bool], int] = {}
        for at in np.flatnonzero(drawn.fold.count == 1).tolist():
            key = self._row(at)
            self._longest[key] = max(self._longest.get(key, 0), len(names[int(first[at])]))

    def _row(self, item: int) -> tuple[int, bool]:
        """Return the key of items that must look alike: a row, and whether it holds hosts."""
        host = self._drawn.topology.kinds[self._drawn.fold.first[item]] == Kind.HOST
        return int(self._drawn.fold.layer[item]), bool(host)

    def row_size(self, item: int, room: float, padding: float) -> float:
        """Return the text size, at most 11, that fits the longest name of the row; 0 when none does."""
        size = (room - padding) / (self._longest[self._row(item)] * CHARACTER)
        return min(size, _LARGEST) if size >= _SMALLEST else 0.0

    def beside(self, item: int, name: str, radius: float) -> Side | None:
        """Return a free place around the node, the right one first; None when there is none."""
        if self._row(item)[1] and len(self._drawn.fold) > _MOST_SMALL:
            return None
        x, y = float(self._drawn.x[item]), float(self._drawn.y[item])
        wide, gap = len(name) * _BESIDE, radius + 4
        slant = 0.7 * gap
        sides = (
            Side("start", gap, 3.5),
            Side("end", -gap, 3.5),
            Side("middle", 0, gap + 9),
            Side("middle", 0, -gap),
            *(Side(a, x, y) for y in (slant + 8, -slant) for a, x in (("start", slant), ("end", -slant))),
        )
        for clear in (True, False):  # off the links if possible
            for side in sides:
                left = x + side.dx - {"start": 0.0, "end": wide, "middle": wide / 2}[side.anchor]
                box = np.array([left, y + side.dy - 9, left + wide, y + side.dy + 2])
                if self._free(box, item, clear=clear):
                    self._boxes = np.concatenate([self._boxes, box[None]])
                    return side
        return None

    def _free(self, box: F64, item: int, *, clear: bool) -> bool:
        """Return whether `box` is inside the canvas and covers nothing but `item` itself."""
        if box[0] < 8 or box[2] > WIDTH - 8:
            return False
        hit = (self._boxes[:, :2] < box[2:]).all(axis=1) & (self._boxes[:, 2:] > box[:2]).all(axis=1)
        if (np.flatnonzero(hit) != item).any():
            return False
        points = self._points
        return not (clear and ((points > box[:2] - 2) & (points < box[2:] + 2)).all(axis=1).any())
