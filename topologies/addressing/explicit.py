"""Explicit addresses of a routed network's file: they decide the subnet of their segment.

The explicit address of a router on no segment (its first link goes to another router), or of a
relaying host that routes, is the node's own address: it goes on the loopback.
"""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from typing import NamedTuple

from topologies.addressing.address import parse_interface
from topologies.counting import counted
from topologies.errors import Loc, ParameterError
from topologies.segments import Segments
from topologies.topology import Kind

_USUAL_LENGTH = {4: 24, 6: 64}
"""Prefix length of a segment whose explicit addresses have none."""


class Subnet(NamedTuple):
    """Prefix: version 4 or 6, its first address and its length."""

    version: int
    base: int
    length: int

    @property
    def bits(self) -> int:
        """Number of bits of an address."""
        return 32 if self.version == 4 else 128

    @property
    def size(self) -> int:
        """Number of addresses."""
        return 1 << (self.bits - self.length)

    @property
    def usable(self) -> range:
        """Addresses for nodes: without the network's and IPv4's broadcast address."""
        return range(self.base + 1, self.base + self.size - (self.version == 4))

    def __str__(self) -> str:
        return f"{_text(self.version, self.base)}/{self.length}"


class _ExplicitAddress(NamedTuple):
    node: int
    value: int
    length: int | None


def _text(version: int, value: int) -> str:
    return str(ipaddress.ip_address(value.to_bytes(4 if version == 4 else 16)))


class ExplicitSubnets:
    """Explicit addresses of one IP version; ParameterError for impossible ones.

    `subnets`: {segment: Subnet}; `values`: {member: address} for every member of these segments;
    `own`: {node: address} of routers' own addresses.
    """

    def __init__(self, segments: Segments, version: int) -> None:
        self._segments = segments
        self._topology = segments.topology
        self._version = version
        self.subnets: dict[int, Subnet] = {}
        self.values: dict[int, int] = {}
        self.own: dict[int, int] = {}
        self._owners: dict[int, int] = {}
        by_segment = self._collect()
        for segment in sorted(by_segment):
            self._settle(segment, by_segment[segment])
        self._check_overlap()

    def _at(self, node: int) -> Loc:
        return ("topology", "nodes", self._topology.names[node], "ip")

    def _collect(self) -> dict[int, dict[int, _ExplicitAddress]]:
        """Return {segment: {member: address}} and fill in `own`."""
        out: dict[int, dict[int, _ExplicitAddress]] = {}
        for node, explicit in sorted(self._topology.explicit.items()):
            for port, text in explicit.addresses:
                version, value, length = parse_interface(text)
                if version != self._version:
                    continue
                if value in self._owners:
                    owner = self._topology.names[self._owners[value]]
                    message = f"{_text(version, value)} is already used by `{owner}`; use another"
                    raise ParameterError(self._at(node), message)
                self._owners[value] = node
                member = self._member(node, port)
                if member is None:
                    if self._segments.routers[node]:
                        self.own.setdefault(node, value)
                    continue
                segment = int(self._segments.members.segment[member])
                here = out.setdefault(segment, {})
                if member in here:
                    raise ParameterError(self._at(node), "gives two addresses on one segment; give one")
                here[member] = _ExplicitAddress(node, value, length)
        return out

    def _member(self, node: int, port: int) -> int | None:
        """Return the member at `port` of `node`, or None when it is on no segment."""
        segments = self._segments
        if segments.routers[node] and self._topology.kinds[node] == Kind.HOST:
            return None
        ends = self._topology.incident(node)
        here = next((end for end in ends if end.port == port), ends[0] if ends else None)
        segment = int(segments.of_end[here.link, here.end]) if here else -1
        for member in segments.members_of(node):
            if segments.members.segment[member] == segment:
                return member
        return None

    def _settle(self, segment: int, explicit: dict[int, _ExplicitAddress]) -> None:
        """Choose the segment's subnet and assign free addresses in it to all other members."""
        first = next((a for a in explicit.values() if a.length is not None), next(iter(explicit.values())))
        length = _USUAL_LENGTH[self._version] if first.length is None else first.length
        bits = 32 if self._version == 4 else 128
        subnet = Subnet(self._version, first.value >> (bits - length) << (bits - length), length)
        for address in explicit.values():
            self._check_inside(subnet, address, first)
        start = self._segments.start
        members = range(int(start[segment]), int(start[segment + 1]))
        room = subnet.usable.stop - subnet.usable.start  # len() ends at 2**63, which a /64 is above
        if len(members) > room:
            raise ParameterError(
                self._at(first.node),
                f"{subnet} has {counted(room, 'address')} "
                f"for the {counted(len(members), 'node')} on the segment; "
                f"use a /{bits - (len(members) + 1).bit_length()} or larger",
            )
        self.subnets[segment] = subnet
        taken = {address.value for address in explicit.values()}
        free = (value for value in subnet.usable if value not in taken)
        for member in members:
            self.values[member] = explicit[member].value if member in explicit else next(free)

    def _check_inside(self, subnet: Subnet, address: _ExplicitAddress, first: _ExplicitAddress) -> None:
        text = _text(self._version, address.value)
        same_length = address.length is None or address.length == subnet.length
        if address.value in range(subnet.base, subnet.base + subnet.size) and same_length:
            if address.value not in subnet.usable:
                message = f"{text} is the first or last address of {subnet}; use another"
                raise ParameterError(self._at(address.node), message)
            return
        shown = text if address.length is None else f"{text}/{address.length}"
        router = self._router_beside(address.node)
        apart = (
            f"a switch between it and `{router}`, whose hosts are one segment"
            if router
            else "a router between them"
        )
        raise ParameterError(
            self._at(address.node),
            f"{shown} is not in {subnet}, the subnet of `{self._topology.names[first.node]}` "
            f"on the same segment; use an address in it, or put {apart}",
        )

    def _router_beside(self, node: int) -> str:
        """Return the router that a node is linked to directly; empty if there is none."""
        topology = self._topology
        others = [int(topology.ends[link, 1 - end]) for link, end, _ in topology.incident(node)]
        found = (other for other in others if topology.kinds[other] == Kind.ROUTER)
        return topology.names[at] if (at := next(found, None)) is not None else ""

    def _check_overlap(self) -> None:
        """Raise ParameterError when the subnets of two segments overlap."""
        ordered = sorted(self.subnets.items(), key=lambda item: (item[1].base, item[1].length))
        for (segment, one), (other, two) in pairwise(ordered):
            if two.base < one.base + one.size:
                node, elsewhere = self._someone(other), self._topology.names[self._someone(segment)]
                raise ParameterError(
                    self._at(node),
                    f"{two} overlaps {one}, the subnet of `{elsewhere}` behind a router; "
                    "give each segment its own",
                )

    def _someone(self, segment: int) -> int:
        """Return a node of `segment` with an explicit address."""
        start, members = self._segments.start, self._segments.members
        nodes = members.node[start[segment] : start[segment + 1]].tolist()
        return int(next(node for node in nodes if node in self._topology.explicit))

    def ranges(self) -> list[tuple[int, int]]:
        """Return the address ranges that nothing else may use: [first, end)."""
        return [(s.base, s.base + s.size) for s in self.subnets.values()] + [
            (value, value + 1) for value in self.own.values()
        ]
