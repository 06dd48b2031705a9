"""Bridged forwarding: switches learn MACs, all hosts share one subnet, a spanning tree cuts loops."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT, Neighbour, Role, Route
from emulator.forwarding.route_columns import RouteColumns
from emulator.forwarding.spanning_tree import bridging_nodes, tree_links
from topologies.addressing import Address, AddressColumns, FlatAddressing
from topologies.counting import counted_by_name
from topologies.identifiers import mac
from topologies.one_by_one import OneByOne
from topologies.topology import Kind, Topology


def unaddressed_links(topology: Topology) -> list[str]:
    """Return a warning when a link of a host that doesn't bridge has no address: it is unreachable there.

    The whole network is one subnet. Such a host has one address, on its first port, unless the file adds any.
    """
    plain = ~bridging_nodes(topology) & (topology.kinds == Kind.HOST)
    several = np.flatnonzero(plain & (topology.degrees > 1)).tolist()
    if not several:
        return []
    flat = FlatAddressing(topology)
    heard = {node: len(_addressed_ports(topology, flat, node)) for node in several}
    found = [node for node, ports in heard.items() if ports < topology.degrees[node]]
    if not found:
        return []
    count = counted_by_name([topology.names[node] for node in found], "host")
    verb = "has several links but is" if len(found) == 1 else "have several links but are"
    where = "those with an address" if any(heard[node] > 1 for node in found) else "the first"
    why = "in a bridged network a host has one address unless its file gives more"
    return [
        f"{count} {verb} heard on {where} only: {why}; `forwarding: routed` gives one for each link",
    ]


def _addressed_ports(topology: Topology, flat: FlatAddressing, node: int) -> set[int]:
    """Return the ports of `node` that are linked and have an address."""
    linked = {end.port for end in topology.incident(node)}
    return linked.intersection(address.port for address in flat.of(node))


class BridgedForwarding:
    """Forwarding of a topology without routers. `up` marks the links that are up (bool[m]; None: all)."""

    def __init__(self, topology: Topology, up: npt.NDArray[np.bool_] | None = None) -> None:
        self._topology = topology
        self._up = up
        self._flat = FlatAddressing(topology)

    @cached_property
    def _bridging(self) -> npt.NDArray[np.bool_]:
        return bridging_nodes(self._topology)

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        bridged = self._bridging[self._topology.ends]
        roles = np.where(bridged, np.uint8(Role.BRIDGED), np.uint8(Role.ADDRESSED))
        cut = ~tree_links(self._topology, self._up)
        if self._up is not None:
            cut &= self._up  # a link that is down is not blocked: its role stays the same
        roles[cut[:, None] & bridged] = Role.BLOCKED
        return roles.astype(np.uint8)

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` is a switch or a relaying host."""
        return bool(self._bridging[node])

    def is_router(self, node: int) -> bool:
        """No node routes here."""
        del node
        return False

    def address_columns(self, nodes: npt.NDArray[np.int64]) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending); if a node has a bridge, they are on it."""
        found = self._flat.columns(nodes)
        bridging = self._bridging[nodes[found.position]]
        return replace(found, port=np.where(bridging, BRIDGE_PORT, found.port))

    @cached_property
    def _one_by_one(self) -> OneByOne[AddressColumns]:
        return OneByOne(self.address_columns, self._topology.node_count)

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`; those of a node with a bridge are on the bridge."""
        columns, position = self._one_by_one.at(node)
        return columns.of(position)

    def route_columns(self, nodes: npt.NDArray[np.int64]) -> RouteColumns:
        """Return no routes: every destination is on the link."""
        return RouteColumns.none(nodes)

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return no routes: every destination is on the link."""
        del node
        return ()

    @cached_property
    def _all_neighbours(self) -> list[tuple[int, bytes, bytes]]:
        topology = self._topology
        return [
            (host, address.packed, mac(topology, host, address.port))
            for host in topology.hosts.tolist()
            for address in self.addresses(host)
        ]

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return all other hosts if the file asks for static ARP, else nothing."""
        own = self.addresses(node) if self._topology.static_arp else ()
        if not own:
            return ()
        port = own[0].port
        return tuple(
            Neighbour(port, packed, mac) for host, packed, mac in self._all_neighbours if host != node
        )
