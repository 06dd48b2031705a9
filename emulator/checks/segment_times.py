"""Bounds of the time between nodes without a router in between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.checks.crossing_times import Times
from emulator.checks.path_times import AnyPathTimes, EqualPathTimes, ForestTimes, PathTimes, widened
from emulator.forwarding.base import Role
from emulator.forwarding.blocked import blocked_links
from emulator.forwarding.flows import ecmp_links
from topologies.segments import Segments
from topologies.topology import Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class SegmentTimes:
    """Times between the places of nodes; `keys` (int64[m, 2]) names the place of each link end.

    Ends with equal keys are the same place: their node can be reached by any of them. Ends with a negative
    key are left out.
    """

    def __init__(self, segments: Segments, paths: PathTimes, keys: Ints, up: Bools) -> None:
        here = (keys >= 0) & up[:, None]
        self._paths = paths
        found = np.unique(np.stack([keys[here], segments.vertices[here]], axis=1), axis=0)
        self._keys, self._vertices = found[:, 0], found[:, 1]

    def between(self, first: Ints, last: Ints) -> Times:
        """Return the times one way (float64[q, 3]) between places: keys, int64[q] each."""
        begins, ends = (np.searchsorted(self._keys, keys, "left") for keys in (first, last))
        outs, ins = (
            np.searchsorted(self._keys, keys, "right") - start
            for keys, start in ((first, begins), (last, ends))
        )
        counts = outs * ins
        number = np.repeat(np.arange(len(first)), counts)
        rest = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
        out = self._vertices[begins[number] + rest // ins[number]]
        into = self._vertices[ends[number] + rest % ins[number]]
        return widened(number, self._paths.between(out, into), len(first))


def segment_paths(segments: Segments, roles: npt.NDArray[np.uint8], up: Bools, times: Times) -> PathTimes:
    """Return the times between the vertices of `segments`, on the paths that frames take.

    `roles` are those of the link ends: uint8[m, 2]; `times` those of the links: float64[m, 2, 3].
    """
    topology: Topology = segments.topology
    alive = up & ~segments.wires
    closes = alive & (roles == Role.BLOCKED).any(axis=1)
    loops = closes & ~blocked_links(topology, roles)
    links = np.flatnonzero(alive & ~closes | loops)
    kind = (
        ForestTimes
        if not loops.any()
        else EqualPathTimes
        if ecmp_links(topology)[loops].all()
        else AnyPathTimes
    )
    count = topology.node_count + topology.ends.size
    return kind(segments.vertices[links].astype(np.int64), times[links], count)
