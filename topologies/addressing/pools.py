"""Division of the pools of a routed network; see `routed` for the rules."""

from __future__ import annotations

import ipaddress
from typing import Protocol

import numpy as np
import numpy.typing as npt

from topologies.addressing.blocks import Range, allocate, power_of_two
from topologies.addressing.explicit import ExplicitSubnets, Subnet
from topologies.counting import counted
from topologies.errors import ParameterError
from topologies.segments import Segments
from topologies.topology import Topology

_TO_64 = 64
"""Bits below an IPv6 subnet."""


class Needs(Protocol):
    """Protocol: the segments, links and routers that need addresses."""

    topology: Topology
    segments: Segments

    def explicit(self, version: int) -> ExplicitSubnets:
        """Return the explicit addresses of an IP version."""
        ...

    def reserved_in(self, pool: str) -> list[Range]:
        """Return the ranges of an IPv4 pool that explicit addresses use."""
        ...

    @property
    def ranking(self) -> npt.NDArray[np.int64]:
        """All routers by leaf group: int64[r]."""
        ...

    @property
    def is_relay(self) -> npt.NDArray[np.bool_]:
        """Relaying hosts that route: bool[n]."""
        ...

    @property
    def wire_end(self) -> int:
        """Number of address pairs that the links between routers take."""
        ...


class Plan4:
    """Division of the IPv4 pools."""

    def __init__(self, addressing: Needs) -> None:
        self._addressing = addressing
        pools = addressing.topology.pools
        self._hosts, self._links, self._loopbacks = (
            ipaddress.IPv4Network(pool) for pool in (pools.ipv4, pools.links, pools.loopbacks)
        )
        self.wires = int(self._links.network_address)
        self._bases = [0] * addressing.segments.count
        self._sizes = [0] * addressing.segments.count
        self._own: dict[int, int] = {}
        self._cut_hosts()
        self._cut_transit()
        self._cut_loopbacks()

    def subnet(self, segment: int) -> Subnet:
        """Return the subnet of a segment that the file gives no address on."""
        return Subnet(4, self._bases[segment], 33 - self._sizes[segment].bit_length())

    def own(self, node: int) -> int:
        """Return a router's own address."""
        return self._own[node]

    def _segment_sizes(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return (segment, size) of the segments from `first` to `end` that need a computed subnet."""
        segments = self._addressing.segments
        held = np.diff(segments.start)[first:end].tolist()
        explicit = self._addressing.explicit(4).subnets
        return [(s, power_of_two(count + 2)) for s, count in enumerate(held, first) if s not in explicit]

    def _cut_hosts(self) -> None:
        """Allocate the segments with hosts and the blocks of relaying hosts, in the order of leaf groups."""
        addressing = self._addressing
        segments, own = addressing.segments, addressing.explicit(4).own
        relays = [
            r for r in addressing.ranking[addressing.is_relay[addressing.ranking]].tolist() if r not in own
        ]
        groups = addressing.topology.groups.tolist()
        blocks: dict[int, list[int]] = {}
        for relay in relays:
            blocks.setdefault(groups[relay], []).append(relay)
        units: list[tuple[int, int, int, list[int]]] = [
            (int(segments.group[s]), size, s, []) for s, size in self._segment_sizes(0, segments.bearing)
        ]
        last = addressing.topology.node_count
        units += [(g if g >= 0 else last, power_of_two(len(b)), -1, b) for g, b in blocks.items()]
        units.sort(key=lambda unit: unit[0])
        first = 1 if blocks else 0  # a relay's block has no network address of its own: keep the pool's free
        starts, end = allocate([unit[1] for unit in units], addressing.reserved_in("ipv4"), first)
        what = [counted(segments.bearing, "subnet")] if segments.bearing or not relays else []
        what += [f"{counted(len(relays), 'host')} that route"] if relays else []
        self._check("ipv4", self._hosts, end, " and ".join(what))
        base = int(self._hosts.network_address)
        for start, (_, size, segment, block) in zip(starts, units, strict=True):
            if segment >= 0:
                self._bases[segment], self._sizes[segment] = base + start, size
            self._own |= {relay: base + start + at for at, relay in enumerate(block)}

    def _cut_transit(self) -> None:
        """Allocate the segments without hosts, after the links between routers."""
        addressing = self._addressing
        units = self._segment_sizes(addressing.segments.bearing, addressing.segments.count)
        reserved = addressing.reserved_in("links")
        starts, end = allocate([size for _, size in units], reserved, 2 * addressing.wire_end)
        wires = int(np.count_nonzero(addressing.segments.wires))
        self._check(
            "links",
            self._links,
            end,
            f"{counted(wires, 'link')} and {counted(len(units), 'LAN')} between routers",
        )
        for start, (segment, size) in zip(starts, units, strict=True):
            self._bases[segment], self._sizes[segment] = self.wires + start, size

    def _cut_loopbacks(self) -> None:
        addressing = self._addressing
        own = addressing.explicit(4).own
        nodes = [n for n in addressing.ranking.tolist() if not addressing.is_relay[n] and n not in own]
        room = self._loopbacks.num_addresses
        aligned = power_of_two(len(nodes))
        first = aligned if 2 * aligned <= room else 1  # aligned, so that pods merge into one prefix
        starts, end = allocate([1] * len(nodes), addressing.reserved_in("loopbacks"), first)
        self._check("loopbacks", self._loopbacks, end, counted(len(nodes), "router"))
        base = int(self._loopbacks.network_address)
        self._own |= {node: base + start for node, start in zip(nodes, starts, strict=True)}

    def _check(self, key: str, pool: ipaddress.IPv4Network, end: int, what: str) -> None:
        if end > pool.num_addresses:
            length = 32 - (end - 1).bit_length()
            advice = f"use a /{length} or larger" if length >= 1 else "make the network smaller"
            raise ParameterError(("addressing", key), f"{pool} is too small for {what}; {advice}")


class Plan6:
    """Division of the IPv6 pool: a /64 per segment from its start, links and loopbacks at its end."""

    def __init__(self, addressing: Needs) -> None:
        pool = ipaddress.IPv6Network(str(addressing.topology.pools.ipv6))
        first = int(pool.network_address)
        segments = addressing.segments
        explicit = addressing.explicit(6)
        room = 1 << max(_TO_64 - pool.prefixlen, 0)
        reserved = [
            (max(a - first, 0) >> _TO_64, (b - first + (1 << _TO_64) - 1) >> _TO_64)
            for a, b in explicit.ranges()
            if b > first
        ]
        numbers = [s for s in range(segments.count) if s not in explicit.subnets]
        starts, end = allocate([1] * len(numbers), reserved)
        need = end + 3
        if pool.prefixlen > _TO_64 or need > room:
            raise ParameterError(
                ("addressing", "ipv6"),
                f"{pool} is too small: routed networks use a /64 per segment, {need:,} of them here; "
                f"use a /{_TO_64 - (need - 1).bit_length()} or larger",
            )
        reserved_end = max((b for _, b in reserved if b <= room), default=0)
        if reserved_end > room - 3:
            message = (
                f"the last three /64 of {pool} are for links and routers; give hosts addresses before them"
            )
            raise ParameterError(("addressing", "ipv6"), message)
        self._bases = {s: first + (at << _TO_64) for s, at in zip(numbers, starts, strict=True)}
        self.wires, loopbacks, relays = (first + ((room - back) << _TO_64) for back in (1, 2, 3))
        self._own_base = {True: relays, False: loopbacks}
        self._rank = {node: at for at, node in enumerate(addressing.ranking.tolist())}
        self._aligned = power_of_two(len(self._rank))
        self._is_relay = addressing.is_relay

    def subnet(self, segment: int) -> Subnet:
        """Return the subnet of a segment that the file gives no address on."""
        return Subnet(6, self._bases[segment], _TO_64)

    def own(self, node: int) -> int:
        """Return a router's own address."""
        return self._own_base[bool(self._is_relay[node])] + self._aligned + self._rank[node]
