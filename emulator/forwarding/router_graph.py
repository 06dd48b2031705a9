"""The routers of a network and the hops between them, over the links that are up.

Two routers are one hop apart if a wire (a link between them) joins them, or if both are on one LAN of
bridging nodes. Routers on a LAN are pairwise neighbours, as in OSPF's transit networks (RFC 2328, section
2.1.1). So a LAN of t routers has t(t - 1) directed hops.

Failed links may split a LAN. The part of its first router that is still connected then keeps the subnet.
Routers on the other parts leave this LAN until it is whole again: no router could know on which side an
address is.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from topologies.addressing import RoutedAddressing
from topologies.graph_arrays import Adjacency, components, distances
from topologies.segments import BRIDGE_PORT

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class RouterGraph:
    """Routers r = 0…R-1 (`nodes`: int64[R]) and directed hops.

    `tails`, `heads`: int64[e]; `wire`: int64[e], 2 * link + the tail's end, or -1 on a LAN, where
    `member` is the head's member and `port_member` the tail's.
    """

    def __init__(self, addressing: RoutedAddressing, up: Bools | None = None) -> None:
        self._addressing = addressing
        self._segments = addressing.segments
        self._topology = addressing.topology
        self._up = np.ones(self._topology.link_count, dtype=bool) if up is None else up
        self.nodes: Ints = np.flatnonzero(self._segments.routers)
        self.index: Ints = np.full(self._topology.node_count, -1, dtype=np.int64)
        self.index[self.nodes] = np.arange(len(self.nodes))
        self._join()

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def member_parts(self) -> Ints:
        """Return each member's part of its segment, -1 if the member's own link is down: int64[k]."""
        members = self._segments.members
        part = self._segments.parts(self._up)[members.vertex]
        return np.asarray(np.where((members.link < 0) | self._up[members.link], part, -1))

    @cached_property
    def segment_parts(self) -> Ints:
        """The part of each segment that keeps its subnet, -1 for a segment without a router: int64[count]."""
        out = np.full(self._segments.count, -1, dtype=np.int64)
        members = self._segments.members
        on = np.flatnonzero(members.routes & (self.member_parts >= 0))[::-1]
        out[members.segment[on]] = self.member_parts[on]  # the last write wins: the first router
        return out

    @cached_property
    def attached(self) -> Ints:
        """Members that are routers on the part of a segment that keeps its subnet: int64[a]."""
        members = self._segments.members
        kept = self.segment_parts[members.segment]
        found: Ints = np.flatnonzero(members.routes & (self.member_parts >= 0) & (self.member_parts == kept))
        return found

    @cached_property
    def on_lans(self) -> Ints:
        """Those of `attached` that are on a LAN and not on their own access bridge."""
        found: Ints = self.attached[self._segments.members.port[self.attached] != BRIDGE_PORT]
        return found

    def _join(self) -> None:
        wires = np.flatnonzero(self._segments.wires & self._up)
        ends = self.index[self._topology.ends[wires]].astype(np.int64).reshape(-1, 2)
        slots = (2 * wires[:, None] + np.arange(2)).ravel()
        first, second = self._lan_pairs()
        nodes = self._segments.members.node
        lan_tails, lan_heads = self.index[nodes[first]], self.index[nodes[second]]
        self.tails: Ints = np.concatenate([ends.ravel(), lan_tails])
        self.heads: Ints = np.concatenate([ends[:, ::-1].ravel(), lan_heads])
        none = np.full(len(first), -1, dtype=np.int64)
        self.wire: Ints = np.concatenate([slots, none])
        self.port_member: Ints = np.concatenate([np.full(len(slots), -1, dtype=np.int64), first])
        self.member: Ints = np.concatenate([np.full(len(slots), -1, dtype=np.int64), second])

    def _lan_pairs(self) -> tuple[Ints, Ints]:
        """Return all ordered pairs of different routers on a LAN, as members."""
        on = self.on_lans
        segment = self._segments.members.segment[on]
        counts = np.bincount(segment, minlength=self._segments.count)[segment]
        first = np.repeat(on, counts)
        start = np.searchsorted(segment, segment)
        before = np.cumsum(counts) - counts
        second = on[np.arange(int(counts.sum())) - np.repeat(before, counts) + np.repeat(start, counts)]
        differ = first != second
        return first[differ], second[differ]

    @cached_property
    def adjacency(self) -> Adjacency:
        """The hops, indexed by their tail."""
        return Adjacency(self.tails, self.heads, len(self))

    @cached_property
    def labels(self) -> Ints:
        """The component of each router: int64[R]."""
        return components(self.tails, self.heads, len(self))

    @cached_property
    def height(self) -> Ints:
        """Hops from each router to the nearest root of its component: int64[R].

        Roots are the routers farthest from all hosts (the core of a fabric). If all are equally far, the root
        is the first router.
        """
        bearing = self._segments.members.segment[self.attached] < self._segments.bearing
        near = self.index[self._segments.members.node[self.attached[bearing]]]
        near = np.concatenate([near, self.index[np.flatnonzero(self._addressing.is_relay)]])
        depth = distances(self.adjacency, near)
        deepest = np.full(len(self), -1, dtype=np.int64)
        np.maximum.at(deepest, self.labels, depth)
        roots = depth == deepest[self.labels]
        all_equal = np.ones(len(self), dtype=bool)
        np.logical_and.at(all_equal, self.labels, roots)
        roots &= ~all_equal[self.labels] | (self.labels == np.arange(len(self)))
        return distances(self.adjacency, np.flatnonzero(roots))
