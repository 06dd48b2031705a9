"""Tenants of a region: VPCs whose ports (and full hosts) live on the compute hosts of a topology.

The families `vpc` and `region` share this. Ports follow all other nodes (see `light_nodes`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from topologies.errors import Loc, ParameterError
from topologies.generators.consistent import jump_hash
from topologies.light_devices import MOST_DEVICES
from topologies.names import NameBlock, Names
from topologies.profiles import NodeProfile
from topologies.rng import Stream, hashed
from topologies.topology import I32, I64, Kind, Topology
from topologies.vpcs import NO_SUBNET, Subnet, Vpcs

Spread = Literal["even", "packed", "random"]

MOST_PORTS = 65_000
"""Most light ports on a compute host: numbers of ports have 16 bits, and its own links need some."""
TENANTS_POOL = "10.0.0.0/8"
"""Pool of the VPCs' addresses when the file gives none."""
_LONGEST_PREFIX = 29
_GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, modulo 1, are spread evenly however many there are (Knuth: TAOCP 3, section 6.4)."""


@dataclass(frozen=True)
class Tenants:
    """Ports to add: `vpcs` VPCs of `subnets` subnets of `ports` ports each.

    `spread`: `even` deals the ports of a subnet to consecutive hosts, `packed` fills one host after the
    other, `random` draws a host for each port, so that one host more moves few ports. With `overlap` all
    VPCs use the same addresses. `prefix` is the prefix length of a subnet; None: the smallest that holds
    its ports. With `equally` an even spread gives all hosts as many ports; without it, a subnet that grows
    moves no port. `device`: each port has an interface of its own.
    Each subnet has `members` full hosts besides.
    """

    vpcs: int
    subnets: int
    ports: int
    spread: Spread = "even"
    overlap: bool = False
    cidr: str = TENANTS_POOL
    prefix: int | None = None
    equally: bool = False
    device: bool = False
    members: int = 0

    @property
    def nodes(self) -> int:
        """Number of nodes: ports and members."""
        return self.total + self.vpcs * self.subnets * self.members

    @property
    def total(self) -> int:
        """Number of ports."""
        return self.vpcs * self.subnets * self.ports


def with_tenants(topology: Topology, hosts: I64, tenants: Tenants, random: Stream, loc: Loc) -> Topology:
    """Return `topology` with the tenants' ports on `hosts` (int64[h]); ParameterError if they don't fit.

    Members come before light ports, in nodes and links (see `light_nodes`).
    """
    if tenants.device and tenants.members:
        words = "full hosts of VPCs need BPF, and don't mix with `device`; leave out one of the two"
        raise ParameterError((*loc, "members"), words)
    subnets = _subnets(tenants, loc)
    parts = [
        (tenants, "p", "port", NodeProfile(fidelity="light", device=tenants.device)),
        (replace(tenants, ports=tenants.members, equally=False), "m", "member", NodeProfile()),
    ]
    parts = [part for part in reversed(parts) if part[0].total]
    counts = [part.total for part, _, _, _ in parts]
    host = hosts[np.concatenate([_hosts_of(part, len(hosts), random) for part, _, _, _ in parts])]
    _check_fit(int(np.bincount(host).max()), tenants, loc)
    before = topology.node_count
    of_subnet = [np.repeat(np.arange(len(subnets)), part.ports) for part, _, _, _ in parts]
    of_node = np.concatenate([np.full(before, NO_SUBNET), *of_subnet]).astype(np.int32)
    profiles = (*topology.node_profiles, *(profile for _, _, _, profile in parts))
    tier_names = (*topology.tier_names, *(tier for _, _, tier, _ in parts))
    total, own = sum(counts), np.arange(len(parts))
    new = [
        NameBlock(("v", "s", letter), (tenants.vpcs, tenants.subnets, part.ports))
        for part, letter, _, _ in parts
    ]
    ends = np.stack([host, np.arange(before, before + total)], axis=1).astype(np.int32)
    ports = _ports(topology, host, total - tenants.total, tenants.members)
    numbers = np.repeat(len(topology.node_profiles) + own, counts).astype(np.uint16)
    tiers = np.repeat(len(topology.tier_names) + own, counts).astype(np.uint8)
    return replace(
        topology,
        names=Names((*topology.names.blocks, *new)),
        kinds=np.concatenate([topology.kinds, np.full(total, Kind.HOST, dtype=np.uint8)]),
        tiers=np.concatenate([topology.tiers, tiers]),
        tier_names=tier_names,
        groups=np.concatenate([topology.groups, topology.groups[host]]).astype(np.int32),
        ends=np.concatenate([topology.ends, ends]),
        ports=np.concatenate([topology.ports, ports]),
        link_profile=np.concatenate([topology.link_profile, np.zeros(total, dtype=np.uint16)]),
        node_profile=np.concatenate([topology.node_profile, numbers]),
        node_profiles=profiles,
        vpcs=Vpcs(tuple(f"v{number}" for number in range(1, tenants.vpcs + 1)), subnets, of_node),
    )


def _check_fit(most: int, tenants: Tenants, loc: Loc) -> None:
    """Raise ParameterError if the fullest host has more than a host can carry."""
    limit, key = (MOST_DEVICES, "device") if tenants.device else (MOST_PORTS, "hosts")
    if most > limit:
        words = f"one host would carry {most:,} ports; the maximum is {limit:,}: give more `hosts`"
        raise ParameterError((*loc, key), words)


def _ports(topology: Topology, host: I64, members: int, of_subnet: int) -> I32:
    """Return the port numbers of the links host[i] -- port (int32[k, 2]): after the host's own.

    The first links are those of `members`, `of_subnet` in each subnet: the first ones of all subnets have
    the lowest numbers. So more of them leave the numbers of the others, and their links, as they are.
    """
    number = topology.degrees[host]
    if members:
        some = host[:members]
        turn = np.arange(members) % of_subnet
        number[:members] += _rank(some, np.lexsort((turn, some)), topology.node_count)
        number[members:] += np.bincount(some, minlength=topology.node_count)[host[members:]]
    rest = host[members:]
    number[members:] += _rank(rest, np.argsort(rest, kind="stable"), topology.node_count)
    return np.stack([number, np.zeros(len(host))], axis=1).astype(np.int32)


def _rank(host: I64, order: I64, nodes: int) -> I64:
    """Return the place of each link among those of its host (int64[k]), in `order`, sorted by host."""
    counts = np.bincount(host, minlength=nodes)
    first = np.cumsum(counts) - counts
    rank = np.empty(len(host), dtype=np.int64)
    rank[order] = np.arange(len(host)) - first[host[order]]
    return rank


def _hosts_of(tenants: Tenants, hosts: int, random: Stream) -> I64:
    """Return the place of each port's host among the hosts: int64[total]."""
    number = np.arange(tenants.total)
    if tenants.spread == "even" and tenants.equally:
        return number % hosts
    if tenants.spread == "even":
        # a subnet begins somewhere by its number alone: one that grows moves no port
        subnet = np.arange(tenants.vpcs * tenants.subnets)
        begin = (subnet * _GOLDEN % 1.0 * hosts).astype(np.int64)
        return (np.repeat(begin, tenants.ports) + number % tenants.ports) % hosts
    if tenants.spread == "packed":
        return number * hosts // tenants.total
    vpc, subnet = np.divmod(np.arange(tenants.vpcs * tenants.subnets), tenants.subnets)
    keys = hashed((vpc << 16 | subnet).astype(np.uint64) ^ random.bits(1))
    keys = np.repeat(keys, tenants.ports) + (number % tenants.ports).astype(np.uint64)
    return jump_hash(hashed(keys), hosts)


def _subnets(tenants: Tenants, loc: Loc) -> tuple[Subnet, ...]:
    """Return all subnets, VPC by VPC: equal blocks of the pool."""
    pool = ipaddress.IPv4Network(tenants.cidr)
    length = min(_LONGEST_PREFIX, 32 - (tenants.ports + tenants.members + 2).bit_length())
    if tenants.prefix is not None:
        if tenants.prefix > length:
            room = Subnet(0, 0, tenants.prefix).room
            raise ParameterError(
                (*loc, "prefix"),
                f"a /{tenants.prefix} has room for {room:,} ports, "
                f"not for {tenants.ports + tenants.members:,}; use {length}",
            )
        length = tenants.prefix
    vpc_length = length - (tenants.subnets - 1).bit_length()
    blocks = 1 if tenants.overlap else tenants.vpcs
    if vpc_length < pool.prefixlen or blocks << (32 - vpc_length) > pool.num_addresses:
        raise ParameterError(
            (*loc, "cidr"),
            f"{pool} has no room for {blocks:,} x {tenants.subnets:,} subnets of a /{length}; "
            "use a larger one, fewer ports, or `overlap: true`",
        )
    base = int(pool.network_address)
    return tuple(
        Subnet(
            vpc, base + (0 if tenants.overlap else vpc << (32 - vpc_length)) + (at << (32 - length)), length
        )
        for vpc in range(tenants.vpcs)
        for at in range(tenants.subnets)
    )
