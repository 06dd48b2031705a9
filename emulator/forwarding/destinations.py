"""Destinations of routes: prefixes, each with the class of the routers in front of it.

Prefixes behind the same routers share a class, since every router routes them alike. Class r is router r
itself: its access subnet, its own address, and the links that it owns. Class R + i is LAN i, among the
segments that may have several routers; packets enter it by the nearest one.

A link between routers is routed to its owner only. So elsewhere one prefix covers all links of an owner.
The path to the address at the far end may therefore be one hop longer than the shortest.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.aggregation import Prefixes, Spaces, merged
from emulator.forwarding.router_graph import RouterGraph
from emulator.forwarding.shortest_paths import FirstHops
from topologies.addressing import RoutedAddressing

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_FAR = np.iinfo(np.int64).max


class Destinations:
    """Destinations that are reachable from anywhere over the links that are up."""

    def __init__(self, addressing: RoutedAddressing, graph: RouterGraph) -> None:
        self._addressing = addressing
        self._segments = addressing.segments
        self._graph = graph
        self.spaces = Spaces()
        on = graph.on_lans
        members = self._segments.members
        self.lans: Ints
        self.lans, self._lan_first, self._lan_of = np.unique(
            members.segment[on], return_index=True, return_inverse=True
        )
        self._lan_router: Ints = graph.index[members.node[on]]

    @cached_property
    def prefixes(self) -> Prefixes:
        """Every prefix with its class; prefixes of one class are merged."""
        rows: list[tuple[int, int, int, int]] = []
        for version in self._addressing.versions:
            rows += self._of_segments(version)
            rows += self._of_routers(version)
            rows += self._of_wires(version)
        space, key, length, number = zip(*rows, strict=True) if rows else ((), (), (), ())
        return merged(
            Prefixes(
                np.array(space, dtype=np.int64),
                np.array(key, dtype=np.uint64),
                np.array(length, dtype=np.int64),
                np.array(number, dtype=np.int64),
            )
        )

    def _of_segments(self, version: int) -> list[tuple[int, int, int, int]]:
        """Return (space, key, length, class) of the segments that have a router."""
        members, attached = self._segments.members, self._graph.attached
        lan = np.full(self._segments.count, -1, dtype=np.int64)
        lan[self.lans] = len(self._graph) + np.arange(len(self.lans))
        router = np.full(self._segments.count, -1, dtype=np.int64)
        router[members.segment[attached]] = self._graph.index[members.node[attached]]
        number = np.where(lan >= 0, lan, router).tolist()
        out = []
        for segment in np.flatnonzero(router >= 0).tolist():
            subnet = self._addressing.subnet(version, segment)
            out.append((*self.spaces.put(version, subnet.base, subnet.length), number[segment]))
        return out

    def _of_routers(self, version: int) -> list[tuple[int, int, int, int]]:
        own, bits = self._addressing.own_value, 32 if version == 4 else 128
        return [
            (*self.spaces.put(version, own(version, node), bits), r)
            for r, node in enumerate(self._graph.nodes.tolist())
        ]

    def _of_wires(self, version: int) -> list[tuple[int, int, int, int]]:
        graph, addressing = self._graph, self._addressing
        owner = addressing.owner_end
        slots = graph.wire[graph.wire >= 0]
        links = slots[slots % 2 == 0] // 2
        ends = owner[links].tolist()
        owners = graph.index[addressing.topology.ends[links, owner[links]]].tolist()
        length = 31 if version == 4 else 127
        value = addressing.wire_value
        return [
            (*self.spaces.put(version, value(version, link, end), length), r)
            for link, end, r in zip(links.tolist(), ends, owners, strict=True)
        ]

    def sets(self, paths: FirstHops) -> Words:
        """Return the first hops to each class, uint64[classes, words]: empty for "here" and "unreachable"."""
        if not len(self.lans):
            return paths.sets
        far = paths.distance[self._lan_router]
        far = np.where(far < 0, _FAR, far)
        nearest = np.minimum.reduceat(far, self._lan_first)
        brought = paths.sets[self._lan_router].copy()
        brought[far != nearest[self._lan_of]] = 0
        return np.concatenate([paths.sets, np.bitwise_or.reduceat(brought, self._lan_first, axis=0)])
