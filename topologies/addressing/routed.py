"""Addresses of a routed network: one subnet per segment with hosts, hierarchical by construction.

- Each segment with hosts has an IPv4 subnet of a power of two, cut from `addressing.ipv4` in the
  order of the leaf groups: racks of a pod are neighbours, so their prefixes merge (CIDR, RFC 4632).
  Its first address is its first router's, the hosts' gateway. In IPv6 each segment has a /64.
- Each link between two routers is a /31 (RFC 3021) of `addressing.links`, a /127 (RFC 6164) of the
  IPv6 pool's last /64. The end nearer to the hosts owns the link, and the links of an owner are a
  block: one prefix leads to all of them.
- Each router has a /32 of its own from `addressing.loopbacks`, a /128 of the IPv6 pool's last /64 but
  one, numbered by leaf group. A relaying host that routes has a host's address there instead, from
  `addressing.ipv4` (the last /64 but two).
- Segments without hosts (LANs between routers) have their subnets after the links.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property

import numpy as np
import numpy.typing as npt

from topologies.addressing.address import Address
from topologies.addressing.blocks import Range, allocate, power_of_two
from topologies.addressing.columns import Numbers
from topologies.addressing.explicit import ExplicitSubnets, Subnet
from topologies.addressing.pools import Plan4, Plan6
from topologies.errors import ParameterError
from topologies.graph_arrays import Adjacency, both_ways, distances
from topologies.segments import LOOPBACK_PORT, Segments
from topologies.topology import Kind, Topology

Ints = npt.NDArray[np.int64]


class RoutedAddressing:
    """Addresses of every segment, link and router; ParameterError when the pools can't hold them."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.segments = Segments(topology)
        self.versions = (4, 6) if topology.pools.ipv6 else (4,)
        self._check_families()
        self._check_pools()
        self._explicit = {version: ExplicitSubnets(self.segments, version) for version in self.versions}
        self._plans: dict[int, Plan4 | Plan6] = {4: Plan4(self)}
        if topology.pools.ipv6:
            self._plans[6] = Plan6(self)

    def explicit(self, version: int) -> ExplicitSubnets:
        """Return the explicit addresses of an IP version."""
        return self._explicit[version]

    def subnet(self, version: int, segment: int) -> Subnet:
        """Return the subnet of a segment."""
        base, length = self.subnets[version]
        return Subnet(version, base.at(segment), int(length[segment]))

    @cached_property
    def subnets(self) -> dict[int, tuple[Numbers, Ints]]:
        """First address and prefix length (int64[count]) of every segment's subnet, by version."""
        out = {}
        for version in self.versions:
            explicit, plan = self._explicit[version].subnets, self._plans[version]
            found = [explicit.get(segment) or plan.subnet(segment) for segment in range(self.segments.count)]
            length = np.array([subnet.length for subnet in found], dtype=np.int64)
            out[version] = Numbers.of([subnet.base for subnet in found]), length
        return out

    def member_value(self, version: int, member: int) -> int:
        """Return the address of a member of a segment."""
        return self.member_numbers[version].at(member)

    @cached_property
    def member_numbers(self) -> dict[int, Numbers]:
        """The addresses of all members of segments, by version."""
        segment = self.segments.members.segment
        offset = np.arange(len(segment)) - self.segments.start[segment] + 1
        out = {}
        for version, (base, _) in self.subnets.items():
            numbers, explicit = base.take(segment).plus(offset), self._explicit[version].values
            members = np.array(list(explicit), dtype=np.int64)
            numbers.put(members, Numbers.of(list(explicit.values())))
            out[version] = numbers
        return out

    def wire_value(self, version: int, link: int, end: int) -> int:
        """Return the address of one end of a link between two routers: the owner's is the even one."""
        return self._plans[version].wires + int(self.wire_offsets[link, end])

    def wire_numbers(self, version: int, slots: Ints) -> Numbers:
        """Return the addresses of some ends of links between routers: int64[k], 2 * link + end."""
        return Numbers.from_base(self._plans[version].wires, self.wire_offsets.ravel()[slots])

    @cached_property
    def wire_offsets(self) -> Ints:
        """Number of each end of a link between routers among their addresses: int64[m, 2]; -1 at others."""
        offset = 2 * self.wire_slots[:, None] + (np.arange(2) != self.owner_end[:, None])
        return np.where(self.segments.wires[:, None], offset, -1)

    def own(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of a router itself, on its loopback."""
        return tuple(
            Address(LOOPBACK_PORT, version, self.own_value(version, node), 32 if version == 4 else 128)
            for version in self.versions
        )

    def own_value(self, version: int, node: int) -> int:
        """Return the address of a router itself."""
        return self.own_numbers[version].at(int(self.rank[node]))

    @cached_property
    def own_numbers(self) -> dict[int, Numbers]:
        """The addresses of all routers themselves, in the order of `ranking`, by version."""
        out = {}
        for version in self.versions:
            explicit, plan = self._explicit[version].own, self._plans[version]
            found = [explicit.get(node) for node in self.ranking.tolist()]
            out[version] = Numbers.of(
                [
                    plan.own(node) if value is None else value
                    for node, value in zip(self.ranking.tolist(), found, strict=True)
                ]
            )
        return out

    @cached_property
    def is_relay(self) -> npt.NDArray[np.bool_]:
        """Relaying hosts that route: bool[n]."""
        return np.asarray(self.segments.routers & (self.topology.kinds == Kind.HOST))

    @cached_property
    def ranking(self) -> Ints:
        """All routers by leaf group, those of no group last: int64[r]."""
        routers = np.flatnonzero(self.segments.routers)
        group = self.topology.groups[routers].astype(np.int64)
        return routers[np.lexsort((routers, np.where(group < 0, np.iinfo(np.int64).max, group)))]

    @cached_property
    def rank(self) -> Ints:
        """Place of each router in `ranking`, -1 for other nodes: int64[n]."""
        rank = np.full(self.topology.node_count, -1, dtype=np.int64)
        rank[self.ranking] = np.arange(len(self.ranking))
        return rank

    @cached_property
    def owner_end(self) -> npt.NDArray[np.uint8]:
        """The end that owns each link between routers: the one nearer to hosts. uint8[m]."""
        topology = self.topology
        ends = topology.ends.astype(np.int64)
        graph = Adjacency(*both_ways(ends), topology.node_count)
        depth = distances(graph, topology.hosts)
        depth[depth < 0] = topology.node_count
        order = depth * topology.node_count + self.rank
        return np.asarray(np.argmin(order[ends], axis=1), dtype=np.uint8)

    @cached_property
    def wire_slots(self) -> Ints:
        """Address pair of each link between routers, -1 for other links: int64[m]."""
        slots, _ = self._slots_and_end
        return slots

    @property
    def wire_end(self) -> int:
        """Number of address pairs that the links between routers take, alignment included."""
        return self._slots_and_end[1]

    @cached_property
    def _slots_and_end(self) -> tuple[Ints, int]:
        wires = np.flatnonzero(self.segments.wires)
        owner = self.topology.ends[wires, self.owner_end[wires]]
        rank = self.rank[owner]
        order = np.argsort(rank, kind="stable")
        ranks, first, counts = np.unique(rank[order], return_index=True, return_counts=True)
        del ranks
        reserved = [((a >> 1), (b + 1) >> 1) for a, b in self.reserved_in("links")]
        starts, end = allocate([power_of_two(c) for c in counts.tolist()], reserved)
        slots = np.full(self.topology.link_count, -1, dtype=np.int64)
        within = np.arange(len(wires)) - np.repeat(first, counts)
        slots[wires[order]] = np.repeat(np.array(starts, dtype=np.int64), counts) + within
        return slots, end

    def reserved_in(self, pool: str) -> list[Range]:
        """Return the ranges of an IPv4 pool that explicit addresses use: [first, end) in addresses."""
        network = ipaddress.ip_network(getattr(self.topology.pools, pool))
        base, size = int(network.network_address), network.num_addresses
        return [
            (max(a - base, 0), b - base)
            for a, b in self._explicit[4].ranges()
            if a < base + size and b > base
        ]

    def _check_families(self) -> None:
        if 6 in self.versions:
            return
        for node, explicit in sorted(self.topology.explicit.items()):
            for _, text in explicit.addresses:
                if ":" in text:
                    network = ipaddress.ip_network((text.partition("/")[0], 48), strict=False)
                    raise ParameterError(
                        ("topology", "nodes", self.topology.names[node], "ip"),
                        f"is IPv6, which is off; set `addressing: {{ipv6: {network}}}`",
                    )

    def _check_pools(self) -> None:
        pools = self.topology.pools
        named = [(key, ipaddress.IPv4Network(getattr(pools, key))) for key in ("ipv4", "links", "loopbacks")]
        for at, (key, network) in enumerate(named):
            for other, before in named[:at]:
                if network.overlaps(before):
                    message = f"{network} overlaps `{other}`, {before}; give pools that are apart"
                    raise ParameterError(("addressing", key), message)
