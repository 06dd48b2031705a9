"""Reachability according to the tables: a packet reaches an address, and the answer comes back.

In a network without routers, connected components decide this. With routers the two directions may differ:
a host may have several addresses, a gateway may be cut off, a LAN may be split. So each direction is traced:
to the address, and from its owner back to the sender's address.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from emulator.forwarding.routed import RoutedForwarding
from topologies.segments import LOOPBACK_PORT


class AddressLocation(NamedTuple):
    """Location of an address: a member of a segment, or a router (`member` -1), perhaps with its wire."""

    node: int
    member: int = -1
    wire: int = -1


class Reach:
    """Expected reachability over the links that are up in `forwarding`."""

    def __init__(self, forwarding: RoutedForwarding) -> None:
        self._forwarding = forwarding
        self._graph = forwarding.graph
        self._segments = forwarding.addressing.segments
        self._label: list[int] = self._graph.labels.tolist()
        self._part: list[int] = self._graph.member_parts.tolist()
        self._kept: list[int] = self._graph.segment_parts.tolist()

    def answers(self, source: int, target: int, address: str) -> bool:
        """Return whether `address` of node `target` answers to node `source`."""
        place = self.place(target, address)
        if place is None:
            return False
        if source == target:
            return True
        asked_from = self.sent(source, place)
        return asked_from is not None and self.sent(target, asked_from) is not None

    def place(self, node: int, text: str) -> AddressLocation | None:
        """Return the location of `text`, or None when `node` doesn't have that address."""
        for address in self._forwarding.addresses(node):
            if address.text != text:
                continue
            if address.port == LOOPBACK_PORT:
                return AddressLocation(node)
            for member in self._segments.members_of(node):
                if int(self._segments.members.port[member]) == address.port:
                    return AddressLocation(node, member)
            for link, _, port in self._forwarding.topology.incident(node):
                if port == address.port:
                    return AddressLocation(node, wire=link)
        return None

    def sent(self, node: int, place: AddressLocation) -> AddressLocation | None:
        """Return the source location of packets from `node` to `place`; None if they don't arrive."""
        if self._segments.routers[node]:
            return AddressLocation(node) if self._routed(node, place) else None
        segment = self._segment(place)
        for member in self._segments.members_of(node):
            if self._segment_of(member) == segment and self._part[member] >= 0:
                arrives = self._part[member] == self._part[place.member]
                return AddressLocation(node, member) if arrives else None
        found = self._forwarding.gateway(node)
        if found is None:
            return None
        own, gateway = found
        if self._part[own] < 0 or self._part[own] != self._part[gateway]:
            return None
        router = int(self._segments.members.node[gateway])
        return AddressLocation(node, own) if self._routed(router, place) else None

    def _segment_of(self, member: int) -> int:
        return int(self._segments.members.segment[member])

    def _segment(self, place: AddressLocation) -> int:
        return self._segment_of(place.member) if place.member >= 0 else -1

    def _routed(self, router: int, place: AddressLocation) -> bool:
        """Return whether a packet at `router` for `place` arrives."""
        if place.wire >= 0 and place.wire not in self._wires_up:
            return False
        if place.member >= 0 and self._part[place.member] < 0:
            return False
        if place.node == router:
            return True
        own = self._label[int(self._graph.index[router])]
        if place.member < 0:
            return self._label[int(self._graph.index[place.node])] == own
        segment = self._segment(place)
        if self._part[place.member] != self._kept[segment]:
            return False
        return self._segment_label(segment) == own

    @cached_property
    def _wires_up(self) -> frozenset[int]:
        return frozenset((self._graph.wire[self._graph.wire >= 0] >> 1).tolist())

    def _segment_label(self, segment: int) -> int:
        """Return the component of the routers on a segment, -1 for a segment without routers."""
        members = self._segments.members
        for member in range(int(self._segments.start[segment]), int(self._segments.start[segment + 1])):
            if members.routes[member] and self._part[member] == self._kept[segment] >= 0:
                return self._label[int(self._graph.index[members.node[member]])]
        return -1
