"""VPCs: the private networks of a region's tenants, whose ports are light nodes.

A VPC has subnets, joined by a router that is everywhere at once: packets between two subnets go straight from
port to port. Every light node is a port of one subnet. Its place in the subnet gives its address.

An address space is a set of VPCs with different addresses: they can share a namespace. VPCs that use the same
addresses are in different spaces.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]

NO_SUBNET = -1
"""Subnet of a node that is in no VPC."""
MOST_VPCS = 2**24 - 2
"""A VXLAN network identifier has 24 bits (RFC 7348, section 5), and 0 stands for none."""

NEXT_HOP = 0xA9FE0001
"""169.254.0.1, of no node: the next hop of packets from a compute host's stack to light ports."""


class Subnet(NamedTuple):
    """Subnet of a VPC (its number): the IPv4 network from `base` on, with a prefix of `length` bits."""

    vpc: int
    base: int
    length: int

    @property
    def end(self) -> int:
        """First address after the subnet."""
        return self.base + (1 << (32 - self.length))

    @property
    def first_port(self) -> int:
        """Address of its first port: after the network's own and the gateway's."""
        return self.base + 2

    @property
    def room(self) -> int:
        """Number of ports that it has addresses for: all but the network's, gateway's and broadcast's."""
        return max((1 << (32 - self.length)) - 3, 0)


@dataclass(frozen=True)
class Vpcs:
    """The VPCs of a topology: their names, all subnets, and the subnet of each node (int32[n], -1: none).

    `explicit` holds the addresses that the file gives, by node; each is in the node's subnet.
    """

    names: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    of_node: I32
    explicit: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of_node.setflags(write=False)

    def vni(self, vpc: int) -> int:
        """Return the VXLAN network identifier of a VPC."""
        return vpc + 1

    @cached_property
    def vpc_of_subnet(self) -> I64:
        """The VPC of each subnet: int64[s]."""
        return np.array([subnet.vpc for subnet in self.subnets], dtype=np.int64)

    def meetings(self, hosts: I32, carried: I64) -> tuple[I64, I64]:
        """Return the pairs of host and address space, ascending: all, and those of hosts with several.

        int64[p, 2] each. `hosts` (int32[k]) are the compute hosts of the light nodes, which are the last k.
        `carried` (int64[q, 2]) are pairs that are there in any case.
        """
        subnet = self.of_node[len(self.of_node) - len(hosts) :]
        wide = hosts.astype(np.int64) << 32 | self.spaces[self.vpc_of_subnet[subnet]]
        wide = np.union1d(wide, carried[:, 0] << 32 | carried[:, 1])
        pairs = np.stack([wide >> 32, wide & 0xFFFFFFFF], axis=1)
        _, place, count = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
        return pairs, pairs[count[place] > 1]

    def vpc_of(self, node: int) -> int | None:
        """Return the VPC of `node`, or None."""
        subnet = int(self.of_node[node])
        return None if subnet == NO_SUBNET else self.subnets[subnet].vpc

    def first(self, count: int) -> Vpcs:
        """Return the VPCs with the ports among the first `count` nodes, whose addresses are explicit."""
        explicit = {node: address for node, address in self.explicit.items() if node < count}
        return replace(self, of_node=self.of_node[:count], explicit=explicit)

    def gateway(self, node: int) -> int:
        """Return the address of the router in the subnet of `node`, which is in a VPC."""
        return self.subnets[int(self.of_node[node])].first_port - 1

    def gateway_mac(self, node: int) -> bytes:
        """Return the MAC that stands for the router; see `mac`. The router is in every compute host."""
        vni = self.vni(self.subnets[int(self.of_node[node])].vpc)
        return bytes((6, vni & 0xFF)) + self.gateway(node).to_bytes(4, "big")

    def in_order(self, nodes: I64) -> Vpcs:
        """Return the VPCs for the topology with its nodes in the order `nodes` (int64[n], old indices)."""
        place = np.argsort(nodes)
        explicit = {int(place[node]): address for node, address in self.explicit.items()}
        return replace(self, of_node=self.of_node[nodes], explicit=explicit)

    @cached_property
    def ports(self) -> I64:
        """Number of ports of each subnet: int64[s]."""
        held = self.of_node[self.of_node != NO_SUBNET]
        return np.bincount(held, minlength=len(self.subnets))

    @cached_property
    def addresses(self) -> U32:
        """The address of each port, 0 for nodes in no VPC: uint32[n].

        The k-th port of a subnet without an explicit address has the k-th free address.
        """
        out = np.zeros(len(self.of_node), dtype=np.uint32)
        held = self.of_node != NO_SUBNET
        out[list(self.explicit)] = list(self.explicit.values())
        held[list(self.explicit)] = False
        nodes = np.flatnonzero(held)
        nodes = nodes[np.argsort(self.of_node[nodes], kind="stable")]
        subnet = self.of_node[nodes]
        start = np.searchsorted(subnet, np.arange(len(self.subnets) + 1))
        first = np.array([one.first_port for one in self.subnets], dtype=np.int64)
        value = first[subnet] + np.arange(len(nodes)) - start[subnet]
        given: dict[int, list[int]] = {}
        for node, taken in self.explicit.items():
            given.setdefault(int(self.of_node[node]), []).append(taken)
        for number, all_taken in given.items():
            rows = slice(*start[number : number + 2].tolist())
            free_before = np.sort(np.array(all_taken, dtype=np.int64)) - np.arange(len(all_taken))
            value[rows] += np.searchsorted(free_before, value[rows], side="right")
        out[nodes] = value.astype(np.uint32)
        return out

    def mac(self, node: int) -> bytes:
        """Return the 6-byte MAC of a port: 06, the last byte of its VNI, its address. Unique in its VPC.

        Locally administered (IEEE 802, section 8.4). It stays when other ports come and go.
        """
        vpc = self.vpc_of(node)
        assert vpc is not None  # noqa: S101 -- only ports have such a MAC
        return bytes((6, self.vni(vpc) & 0xFF)) + int(self.addresses[node]).to_bytes(4, "big")

    @cached_property
    def networks(self) -> dict[int, list[tuple[int, int]]]:
        """Networks that hold all subnets of each address space, as (first address, prefix length).

        The routes of namespaces name them, so that any port can live on any host.
        """
        members: dict[int, list[Subnet]] = {}
        for subnet in self.subnets:
            members.setdefault(int(self.spaces[subnet.vpc]), []).append(subnet)
        return {space: _networks(subnets) for space, subnets in members.items()}

    @cached_property
    def spaces(self) -> I64:
        """The address space of each VPC: int64[v].

        Each VPC, in order, is in the first space where nobody uses its addresses: spaces of VPCs don't
        change when others follow.
        """
        spaces = np.zeros(len(self.names), dtype=np.int64)
        if not _overlap(self.subnets):
            return spaces
        own: list[list[Subnet]] = [[] for _ in self.names]
        for subnet in self.subnets:
            own[subnet.vpc].append(subnet)
        used: list[_Used] = []
        first: dict[tuple[tuple[int, int], ...], int] = {}  # VPCs with equal subnets are never together
        for vpc, subnets in enumerate(own):
            same = tuple((subnet.base, subnet.length) for subnet in subnets)
            space = first.get(same, 0)
            while space < len(used) and not used[space].is_free(subnets):
                space += 1
            if space == len(used):
                used.append(_Used())
            used[space].add(subnets)
            spaces[vpc], first[same] = space, space
        return spaces


class _Used:
    """Addresses of one space: the subnets' first and end addresses, ascending."""

    def __init__(self) -> None:
        self._bounds: list[tuple[int, int]] = []

    def is_free(self, subnets: list[Subnet]) -> bool:
        """Return whether nobody uses an address of `subnets`."""
        return not any(self._overlaps(subnet) for subnet in subnets)

    def _overlaps(self, subnet: Subnet) -> bool:
        at = bisect_left(self._bounds, (subnet.end, -1))
        return at > 0 and self._bounds[at - 1][1] > subnet.base

    def add(self, subnets: list[Subnet]) -> None:
        """Add the addresses of `subnets`."""
        for subnet in subnets:
            insort(self._bounds, (subnet.base, subnet.end))


def _networks(subnets: list[Subnet]) -> list[tuple[int, int]]:
    """Return few networks that hold all `subnets`, and nothing far from them.

    Neighbours are merged while at most half of the result is unused: every namespace has a route to each.
    """
    out: list[tuple[int, int, int]] = []
    for subnet in sorted(subnets, key=lambda one: one.base):
        out.append((subnet.base, subnet.length, subnet.end - subnet.base))
        while len(out) > 1:
            base, length = _around(out[-2][0], out[-1][0] + (1 << (32 - out[-1][1])) - 1)
            used = out[-2][2] + out[-1][2]
            if 2 * used < 1 << (32 - length):
                break
            out[-2:] = [(base, length, used)]
    return [(base, length) for base, length, _ in out]


def _around(first: int, last: int) -> tuple[int, int]:
    """Return the smallest network that holds both addresses."""
    length = 32 - (first ^ last).bit_length()
    return first & ~((1 << (32 - length)) - 1), length


def _overlap(subnets: Sequence[Subnet]) -> bool:
    """Return whether two of `subnets` have an address in common."""
    ordered = sorted(subnets, key=lambda one: one.base)
    return any(after.base < before.end for before, after in pairwise(ordered))
