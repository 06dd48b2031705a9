"""Size and position of names on and beside nodes, where they cover nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from topologies.pictures.scene import TIMES, WIDTH, Scene
from topologies.topology import F64, I64, Kind

CHARACTER = 0.6
"""Mean width of a character, in text sizes."""
_SMALLEST, _LARGEST = 7.4, 11.0
_LONGEST = 56.0
"""Most pixels that a name in a box on its side has."""
_SHRUNK = (1.0, 0.8, 0.6, 0.42, 0.3)
"""Parts of the usual size that a name beside its node is tried in: pictures can be enlarged."""
_BESIDE = 6.0
"""Mean width of a character of a name beside its node, in pixels."""
_MOST_SMALL = 90
PORTS_LINE = 10
"""Pixels between a host's name and the line of its light ports below it."""


def box_width(letters: int, size: float, room: float) -> float:
    """Return the width of a box with a name of so many letters, in pixels."""
    return letters * CHARACTER * size + min(16.0, room * 0.3)


class Side(NamedTuple):
    """Position of a name relative to its node's centre in pixels; `anchor` is SVG's text-anchor."""

    anchor: str
    dx: float
    dy: float


class Labels:
    """Sizes of names in and below nodes, and free places for names beside them."""

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
        self._widen()

    def _widen(self) -> None:
        """Make the boxes of switches as wide as their names make them."""
        drawn = self._drawn
        for item in np.flatnonzero(drawn.fold.count == 1).tolist():
            size = 0.0 if self._row(item)[1] else self.inside_size(item)
            if size and not drawn.tree.layered:
                half = (
                    box_width(
                        len(drawn.topology.names[int(drawn.fold.first[item])]), size, drawn.spacing[item]
                    )
                    / 2
                )
                self._boxes[item, [0, 2]] = drawn.x[item] - half, drawn.x[item] + half

    def _row(self, item: int) -> tuple[int, bool]:
        """Return the key of items that must look alike: a row, and whether it holds hosts."""
        host = self._drawn.topology.kinds[self._drawn.fold.first[item]] == Kind.HOST
        return int(self._drawn.fold.layer[item]), bool(host)

    def row_size(self, item: int, room: float, padding: float) -> float:
        """Return the text size, at most 11, that fits the longest name of the row; 0 when none does."""
        size = (room - padding) / (self._longest[self._row(item)] * CHARACTER)
        return min(size, _LARGEST) if size >= _SMALLEST else 0.0

    def inside_size(self, item: int) -> float:
        """Return the text size of a switch's name in its box in a picture without rows; 0: beside it."""
        return self.row_size(item, min(float(self._drawn.spacing[item]), 70.0), 9)

    def turned_size(self, item: int, room: float) -> float:
        """Return the text size, at most 10, of a name on its side, for which a row leaves no room else."""
        return min(room * 0.8, _LONGEST / (self._longest[self._row(item)] * CHARACTER), 10.0)

    def below_size(self, item: int, room: float) -> tuple[float, bool]:
        """Return the text size of a host's name below it, and whether the name is on its side."""
        size = self.row_size(item, room, 1)
        return (size, False) if size else (self.turned_size(item, room), True)

    def below(self, ports: I64) -> float:
        """Return how many pixels more than usual the names below the lowest row need.

        `ports` are the numbers of light ports by item, int64[k];
        they stand behind a name, or in a line below it.
        """
        drawn = self._drawn
        if not drawn.tree.layered:
            return 0.0
        most = 0.0
        for item in np.flatnonzero(
            (drawn.fold.count == 1) & (drawn.fold.layer == drawn.fold.layer.max())
        ).tolist():
            size, turned = self.below_size(item, float(drawn.spacing[item]))
            if turned and self._row(item)[1]:
                length = self._longest[self._row(item)] + (
                    len(f" {TIMES}{ports[item]:,}") if ports[item] else 0
                )
                most = max(most, length * CHARACTER * size - 14)
            elif ports[item]:
                most = max(most, PORTS_LINE)
        return most

    def shrunk(self, item: int, name: str, radius: float) -> tuple[Side, float]:
        """Return a place beside the node and the part of the usual size that fits there; always one."""
        for part in _SHRUNK:
            side = self.beside(item, name, radius, part)
            if side is not None:
                return side, part
        return Side("middle", 0, radius + 4), _SHRUNK[-1]

    def beside(self, item: int, name: str, radius: float, part: float = 1.0) -> Side | None:
        """Return a free place around the node, the right one first; None when there is none.

        `part` of the usual size is the text's. At the usual size, many hosts have no names.
        """
        if part == 1 and self._row(item)[1] and len(self._drawn.fold) > _MOST_SMALL:
            return None
        x, y = float(self._drawn.x[item]), float(self._drawn.y[item])
        wide, gap = len(name) * _BESIDE * part, radius + 4 * part
        slant = 0.7 * gap
        sides = (
            Side("start", gap, 3.5 * part),
            Side("end", -gap, 3.5 * part),
            Side("middle", 0, gap + 9 * part),
            Side("middle", 0, -gap),
            *(
                Side(a, x, y)
                for y in (slant + 8 * part, -slant)
                for a, x in (("start", slant), ("end", -slant))
            ),
        )
        for clear in (True, False) if part == 1 else (False,):  # off the links if possible
            for side in sides:
                left = x + side.dx - {"start": 0.0, "end": wide, "middle": wide / 2}[side.anchor]
                box = np.array([left, y + side.dy - 9 * part, left + wide, y + side.dy + 2 * part])
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
