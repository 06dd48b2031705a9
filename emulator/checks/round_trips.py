"""Round trips that the delays of links make, by the graph alone: bounds for each pair of nodes.

Packets take the way that the network forwards on, not the quickest one:

- Bridges forward along the spanning tree: one path.
- Switches with `flows: ecmp` use all paths with the fewest links.
- Routers use all paths with the fewest hops; a LAN between them is one hop, crossed along its own tree.
- With a controller of the user's where links close loops, any path is possible.

Where there are several paths the bounds span all of them, and so they do for a node with several links to a
segment: the kernel answers ARP on any of them. Request and reply may take different paths. Jitter widens the
bounds. The first packets also wait for ARP or for a controller; that is no matter of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from emulator.checks.crossing_times import HIGH, ROOM, Times, crossing_times
from emulator.checks.path_times import UNJOINED
from emulator.checks.routed_trips import RoutedTrips
from emulator.checks.segment_times import SegmentTimes, segment_paths
from emulator.forwarding.bridged import BridgedForwarding
from emulator.forwarding.routed import RoutedForwarding
from emulator.link_states import States
from topologies.segments import Segments, is_routed
from topologies.topology import Topology

_NOTHING = 0.001
"""Seconds for one link that aren't worth a search: those of 13 Mbit/s."""


class Trips(Protocol):
    """Bounds of round trips."""

    def of(self, pairs: Sequence[tuple[int, int, str]]) -> Times:
        """Return the round trips (float64[q, 3]) of (node, node, address of the second)."""
        ...


class RoundTrips:
    """Round trips over the links that are up (bool[m]), some changed to `states`.

    `delayed` says whether any of these links has a delay. Pairs without a path have the bounds 0 and
    infinity.
    """

    def __init__(self, topology: Topology, states: States, up: npt.NDArray[np.bool_]) -> None:
        times = crossing_times(topology, states)
        self.delayed = bool(times[up][..., HIGH].any())
        self._trips: Trips | None = None
        if self.delayed or times[up][..., ROOM].max(initial=0.0) > _NOTHING:
            self._trips = _trips(topology, up, times)

    def of(self, pairs: Sequence[tuple[int, int, str]]) -> Times:
        """Return the round trips (float64[q, 3]) of (node, node, address of the second)."""
        return np.zeros((len(pairs), 3)) if self._trips is None else self._trips.of(pairs)


def _trips(topology: Topology, up: npt.NDArray[np.bool_], times: Times) -> Trips:
    if is_routed(topology):
        return RoutedTrips(RoutedForwarding(topology, up), up, times)
    return BridgedTrips(topology, up, times)


class BridgedTrips:
    """Round trips in a network without routers: any address of a node is heard on any of its links."""

    def __init__(self, topology: Topology, up: npt.NDArray[np.bool_], times: Times) -> None:
        segments = Segments(topology)
        paths = segment_paths(segments, BridgedForwarding(topology, up).roles, up, times)
        self._times = SegmentTimes(segments, paths, topology.ends.astype(np.int64), up)

    def of(self, pairs: Sequence[tuple[int, int, str]]) -> Times:
        """Return the round trips (float64[q, 3]) of (node, node, address of the second)."""
        first, last = np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2).T
        out = self._times.between(first, last) + self._times.between(last, first)
        out[np.isinf(out).any(axis=1)] = UNJOINED
        return out
