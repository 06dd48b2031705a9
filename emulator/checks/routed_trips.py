"""Bounds of round trips where routers forward: along all paths with the fewest hops."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.checks.crossing_times import Times
from emulator.checks.path_times import UNJOINED, shortest, widened
from emulator.checks.segment_times import SegmentTimes, segment_paths
from emulator.forwarding.reach import AddressLocation, Reach
from emulator.forwarding.routed import RoutedForwarding

Ints = npt.NDArray[np.int64]
_FAR = np.iinfo(np.int64).max


class _Way(NamedTuple):
    """One way of a packet: from a member to a member of the same segment (-1: none), then from a router."""

    first: int
    last: int
    router: int
    place: AddressLocation


class _Entry(NamedTuple):
    """A router by which a way may end, and what is left from there: from a member to a member (-1: none)."""

    way: int
    start: int
    router: int
    first: int
    last: int


class RoutedTrips:
    """Round trips over the links that are up (bool[m]); `times` are those of the links: float64[m, 2, 3]."""

    def __init__(self, forwarding: RoutedForwarding, up: npt.NDArray[np.bool_], times: Times) -> None:
        self._forwarding = forwarding
        self._graph = forwarding.graph
        self._segments = segments = forwarding.addressing.segments
        self._reach = Reach(forwarding)
        nodes = forwarding.topology.node_count
        keys = np.where(segments.of_end >= 0, segments.of_end * nodes + forwarding.topology.ends, -1)
        self._lans = SegmentTimes(segments, segment_paths(segments, forwarding.roles, up, times), keys, up)
        self._key = segments.members.segment * nodes + segments.members.node
        wire = self._graph.wire
        self._hops: Times = np.zeros((len(wire), 3))
        self._hops[wire >= 0] = times.reshape(-1, 3)[wire[wire >= 0]]
        lan = wire < 0
        self._hops[lan] = self._between(self._graph.port_member[lan], self._graph.member[lan])

    def of(self, pairs: Sequence[tuple[int, int, str]]) -> Times:
        """Return the round trips (float64[q, 3]) of (node, node, address of the second)."""
        out = np.tile(UNJOINED, (len(pairs), 1))
        found, ways = [], []
        for number, (a, b, address) in enumerate(pairs):
            place = self._reach.place(b, address)
            asked_from = None if place is None or a == b else self._reach.sent(a, place)
            answered_from = None if asked_from is None else self._reach.sent(b, asked_from)
            if place and asked_from and answered_from:
                found.append(number)
                ways += [self._way(a, asked_from, place), self._way(b, answered_from, asked_from)]
        if ways:
            out[found] = self._times(ways).reshape(-1, 2, 3).sum(axis=1)
        out[np.isinf(out).any(axis=1)] = UNJOINED
        return out

    def _way(self, node: int, own: AddressLocation, place: AddressLocation) -> _Way:
        """Return the way of packets that `node` sends from its address at `own` to `place`."""
        segments, members = self._segments, self._segments.members
        if segments.routers[node]:
            return _Way(-1, -1, int(self._graph.index[node]), place)
        if place.member >= 0 and members.segment[own.member] == members.segment[place.member]:
            return _Way(own.member, place.member, -1, place)
        gateway = int(segments.gateways[members.segment[own.member]])
        return _Way(own.member, gateway, int(self._graph.index[members.node[gateway]]), place)

    def _times(self, ways: list[_Way]) -> Times:
        """Return the times of ways: float64[w, 3]."""
        first, last = (np.array(column, dtype=np.int64) for column in list(zip(*ways, strict=True))[:2])
        out: Times = np.zeros((len(ways), 3))
        out[first >= 0] = self._between(first[first >= 0], last[first >= 0])
        entries = [entry for number, way in enumerate(ways) for entry in self._entries(number, way)]
        routed = np.array([way.router >= 0 for way in ways])
        if entries:
            out[routed] += self._behind_routers(entries, len(ways))[routed]
        return out

    def _entries(self, number: int, way: _Way) -> list[_Entry]:
        """Return the routers by which a way may end: those on the segment of the address, or its owner."""
        if way.router < 0:
            return []
        owner = int(self._graph.index[way.place.node])
        if way.place.member < 0 or owner == way.router:
            return [_Entry(number, way.router, owner, -1, -1)]
        on = self._attached[int(self._segments.members.segment[way.place.member])]
        return [_Entry(number, way.router, router, member, way.place.member) for router, member in on]

    @cached_property
    def _attached(self) -> dict[int, list[tuple[int, int]]]:
        """The routers on each segment, and the members that they are."""
        members, out = self._segments.members, dict[int, list[tuple[int, int]]]()
        for member in self._graph.attached.tolist():
            router = int(self._graph.index[members.node[member]])
            out.setdefault(int(members.segment[member]), []).append((router, member))
        return out

    def _behind_routers(self, entries: list[_Entry], count: int) -> Times:
        """Return the times from the first router of each way: packets enter a LAN by the nearest router."""
        way, start, router, first, last = np.array(entries, dtype=np.int64).T
        rest: Times = np.zeros((len(entries), 3))
        rest[first >= 0] = self._between(first[first >= 0], last[first >= 0])
        hops = np.zeros(len(entries), dtype=np.int64)
        order = np.argsort(start, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(start[order])) + 1):
            away, times = shortest(self._graph.adjacency, self._graph.tails, self._hops, int(start[rows[0]]))
            hops[rows] = np.where(away[router[rows]] < 0, _FAR, away[router[rows]])
            rest[rows] += times[router[rows]]
        nearest = np.full(count, _FAR, dtype=np.int64)
        np.minimum.at(nearest, way, hops)
        kept = (hops == nearest[way]) & (hops < _FAR)
        return widened(way[kept], rest[kept], count)

    def _between(self, first: Ints, last: Ints) -> Times:
        """Return the times between members of the same segments."""
        return self._lans.between(self._key[first], self._key[last])
