"""Forwarding of full nodes with members of VPCs: that of the underlay, and each member's way into its VPC.

A member sends everything outside its subnet to the VPC's router. That is in the data path of every compute
host and has no device, so a permanent neighbour entry stands for its answer to ARP.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.added_routes import computed
from emulator.forwarding.base import Hop, Neighbour, Role, Route
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.route_columns import RouteColumns, packed
from topologies.addressing import Address, AddressColumns
from topologies.addressing.columns import Numbers
from topologies.topology import I64, Topology
from topologies.vpcs import Vpcs

_ANY = bytes(4)


class MemberForwarding:
    """Forwarding of `topology`, a graph without light nodes, whose underlay has the forwarding `underlay`."""

    def __init__(self, underlay: Forwarding, topology: Topology, vpcs: Vpcs) -> None:
        self.underlay = underlay
        self._topology, self._vpcs = topology, vpcs
        self._first = topology.underlay.node_count

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]. A compute host's end has no address."""
        links = self._topology.link_count - self._topology.underlay.link_count
        return np.concatenate([self.underlay.roles, np.full((links, 2), Role.ADDRESSED, dtype=np.uint8)])

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` holds a bridge."""
        return node < self._first and self.underlay.has_bridge(node)

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address."""
        return node < self._first and self.underlay.is_router(node)

    def address_columns(self, nodes: I64) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending); a member has one, on port 0."""
        split = int(np.searchsorted(nodes, self._first))
        ours = vpc_addresses(self._vpcs, nodes, split)
        return AddressColumns.joined(nodes, [self.underlay.address_columns(nodes[:split]), ours])

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        if node < self._first:
            return self.underlay.addresses(node)
        return (vpc_address(self._vpcs, node),)

    def route_columns(self, nodes: I64) -> RouteColumns:
        """Return the routes of `nodes` (int64[q], ascending)."""
        split = int(np.searchsorted(nodes, self._first))
        others = replace(self.underlay.route_columns(nodes[:split]), nodes=nodes)
        count = len(nodes) - split
        none, each = np.zeros(count, dtype=np.int64), np.arange(count)
        gateways = np.array([self._vpcs.gateway(node) for node in nodes[split:].tolist()], dtype=np.int64)
        zero = Numbers.from_base(0, none)
        ours = RouteColumns(
            nodes, split + each, np.full(count, 4, dtype=np.uint8), zero, none, zero, each,
            np.arange(count + 1), none, Numbers.from_base(0, gateways),
        )  # fmt: skip
        return RouteColumns.joined(nodes, [others, ours])

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`; a member's leads to its VPC's router."""
        if node < self._first:
            return self.underlay.routes(node)
        return (Route(_ANY, 0, (Hop(0, packed(4, self._vpcs.gateway(node))),)),)

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return the permanent neighbours of `node`; a member's is its VPC's router."""
        if node < self._first:
            return self.underlay.neighbours(node)
        return (Neighbour(0, packed(4, self._vpcs.gateway(node)), self._vpcs.gateway_mac(node)),)


def vpc_addresses(vpcs: Vpcs, nodes: I64, split: int) -> AddressColumns:
    """Return the addresses of the nodes from `split` on, all in VPCs, as columns of `nodes`."""
    ours = nodes[split:]
    length = np.array([one.length for one in vpcs.subnets], dtype=np.int64)
    return AddressColumns(
        nodes,
        np.arange(split, len(nodes)),
        np.zeros(len(ours), dtype=np.int64),
        np.full(len(ours), 4, dtype=np.uint8),
        Numbers(np.zeros(len(ours), dtype=np.uint64), vpcs.addresses[ours].astype(np.uint64)),
        length[vpcs.of_node[ours]],
    )


def vpc_address(vpcs: Vpcs, node: int) -> Address:
    """Return the address of a node in a VPC."""
    return Address(0, 4, int(vpcs.addresses[node]), vpcs.subnets[vpcs.of_node[node]].length)


def of_underlay(forwarding: Forwarding) -> Forwarding:
    """Return the computed forwarding of the underlay of full nodes that have `forwarding`."""
    below = forwarding.underlay if isinstance(forwarding, MemberForwarding) else forwarding
    return computed(below)
