"""Rates of links as text on their curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape

import numpy as np

from topologies.pictures.curves import at, curve
from topologies.pictures.scene import TIMES, Scene
from topologies.quantities import RATE
from topologies.topology import F64

_PLACES = (0.46, 0.74, 0.6, 0.88)
"""Parts of a curve for its label in turn, so that those of neighbouring links are apart."""
_SIZE = 9.0
_WIDE = 0.54
"""Mean width of a character, in text sizes, with the room around the words."""


def rate_labels(drawn: Scene) -> Iterator[str]:
    """Draw the rates; links without a rate have no text, and several drawn as one have their number."""
    yield '<g class="rates">\n'
    low, high = _bounds(drawn)
    fold = drawn.fold
    degrees = np.bincount(fold.links.ravel(), minlength=len(fold))
    seen = Counter[int]()
    size = _SIZE if len(fold.links) <= 120 else _SIZE * 0.6
    for place, (a, b) in enumerate(fold.links.tolist()):
        words = _words(low[place], high[place], int(fold.widths[place]))
        if not words:
            continue
        end = a if degrees[a] >= degrees[b] else b
        share = _PLACES[seen[end] % len(_PLACES)] if drawn.tree.layered else 0.5
        seen[end] += 1
        x, y = at(curve(drawn, a, b), share)
        wide = len(words) * size * _WIDE
        yield (  # the plate covers the curve between the words, too, which a border of letters doesn't
            f'<rect class="bg" x="{x - wide / 2:.1f}" y="{y - size * 0.65:.1f}" width="{wide:.1f}" '
            f'height="{size * 1.3:.1f}" rx="2"/>'
            f'<text class="n halo" x="{x:.1f}" y="{y + size / 3:.1f}" text-anchor="middle" '
            f'style="font-size:{size:.1f}px">{escape(words)}</text>\n'
        )
    yield "</g>\n"


def _bounds(drawn: Scene) -> tuple[F64, F64]:
    """Return the lowest and highest rate of the links behind each drawn one, both directions, in bit/s.

    No limit is infinite.
    """
    topology, fold = drawn.topology, drawn.fold
    ends = np.sort(fold.item[topology.ends.astype(np.int64)], axis=1).reshape(-1, 2)
    keys = ends[:, 0] * len(fold) + ends[:, 1]
    wanted = fold.links[:, 0] * len(fold) + fold.links[:, 1]  # ascending
    outside = ends[:, 0] != ends[:, 1]
    place = np.searchsorted(wanted, keys[outside])
    both = np.array(
        [
            [shape.bandwidth or np.inf for shape in (one.forward, one.backward)]
            for one in topology.link_profiles
        ]
    ).reshape(-1, 2)
    mine = both[topology.link_profile[outside].astype(np.int64)]
    low, high = np.full(len(wanted), np.inf), np.zeros(len(wanted))
    np.minimum.at(low, place, mine.min(axis=1))
    np.maximum.at(high, place, mine.max(axis=1))
    return low, high


def _words(low: float, high: float, count: int) -> str:
    """Return "10 Mbit" or "1 Mbit to 10 Mbit", before it the number of links; nothing without a limit."""
    if not np.isfinite(low):
        return ""
    times = f"{count:,} {TIMES} " if count > 1 else ""
    if low == high:
        return times + RATE.text(low)
    return f"{times}{RATE.text(low)} to {RATE.text(high) if np.isfinite(high) else 'no limit'}"
