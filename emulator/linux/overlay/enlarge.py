"""Larger maps for a network that has outgrown its own: a map can't grow, but programs can be replaced.

While one compute host after the other gets its programs anew, ports of both maps reach each other: both
have all of them. What is counted in the old maps meanwhile is added at the end.
"""

from __future__ import annotations

import numpy as np

from emulator.linux.overlay.create import fill, make_maps
from emulator.linux.overlay.maps import OverlayMaps
from emulator.linux.overlay.port_table import PortTable
from emulator.overlay.plan import Overlay
from emulator.tasks import PORT_COUNTERS
from topologies.topology import I64


def enlarged(maps: OverlayMaps, old: Overlay | None, new: Overlay, kept: tuple[I64, I64]) -> OverlayMaps:
    """Return larger maps with the hosts and ports of `new`, and no counts yet.

    `kept` are the rows of the same ports in both overlays: they are where they are in `maps`.
    """
    larger = make_maps(new)
    try:
        fill(larger, new, np.ones(len(new.ports), dtype=bool))
        if old is not None:
            before, after = PortTable(maps).slots(old, kept[0]), PortTable(larger).slots(new, kept[1])
            there = before >= 0
            larger.ports["place"][after[there]] = maps.ports["place"][before[there]]
    except BaseException:
        larger.close()
        raise
    return larger


def take_counts(
    maps: OverlayMaps, larger: OverlayMaps, old: Overlay | None, new: Overlay, kept: tuple[I64, I64]
) -> None:
    """Add the counters in `maps` to those in `larger`, once no program uses `maps` any more."""
    if old is None:
        return
    before, after = PortTable(maps).slots(old, kept[0]), PortTable(larger).slots(new, kept[1])
    there = before >= 0
    for name in PORT_COUNTERS:
        counted = maps.ports[name][before[there]]
        some = np.flatnonzero(counted)
        larger.ports[name][after[there][some]] += counted[some]
