"""Routed forwarding: routers join segments, shortest paths with ECMP, no controller and no daemon.

What routes and what bridges, and the subnets that follow, are `topologies.segments` and
`topologies.addressing.routed`; the tables are `route_tables`. All of it is computed when it is
asked for, from the links that are up: after a failure, ask again with the new mask and change what
differs. Addresses never depend on the mask.

A router's address on a LAN of bridging nodes has a prefix of full length, and the route to the LAN
is one of its table's: so it can be taken away where a failure splits the LAN.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Hop, Neighbour, Role, Route
from emulator.forwarding.route_tables import RouteTables, packed
from emulator.forwarding.router_graph import RouterGraph
from emulator.forwarding.spanning_tree import tree_links
from topologies.addressing import Address, AddressColumns, RoutedAddressing
from topologies.addressing.routed_columns import routed_columns
from topologies.identifiers import mac
from topologies.topology import Topology

Bools = npt.NDArray[np.bool_]


class RoutedForwarding:
    """Forwarding of a topology with routers. `up` (bool[m]) says which links are up; None is all.

    Raises ParameterError when the pools or the addresses given can't be.
    """

    def __init__(self, topology: Topology, up: Bools | None = None) -> None:
        self.topology = topology
        self.addressing = RoutedAddressing(topology)
        self._segments = self.addressing.segments
        self._up = None if up is None else up.copy()

    @cached_property
    def graph(self) -> RouterGraph:
        """The routers and the hops between them that are up."""
        return RouterGraph(self.addressing, self._up)

    @cached_property
    def _tables(self) -> RouteTables:
        return RouteTables(self.addressing, self.graph)

    @cached_property
    def _on_bridge(self) -> Bools:
        """Which link ends are ports of their node's bridge: bool[m, 2]."""
        return np.asarray(self._segments.vertices == self.topology.ends)

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        roles = np.where(self._on_bridge, np.uint8(Role.BRIDGED), np.uint8(Role.ADDRESSED))
        if self._segments.bridges.any():
            cut = ~tree_links(self.topology, self._up)
            if self._up is not None:
                cut &= self._up  # a link that is down is not blocked: it comes back as it was
            roles[cut[:, None] & self._segments.bridges[self.topology.ends]] = Role.BLOCKED
        return roles.astype(np.uint8)

    @cached_property
    def _bridged_nodes(self) -> Bools:
        held = self._segments.bridges.copy()
        held[self.topology.ends[self._on_bridge]] = True
        return held

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` bridges: a switch of a LAN, or a router with hosts on its ports."""
        return bool(self._bridged_nodes[node])

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address."""
        return bool(self._segments.routers[node])

    def address_columns(self, nodes: npt.NDArray[np.int64]) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending), a router's own first."""
        return routed_columns(self.addressing, nodes)

    @cached_property
    def _all_addresses(self) -> AddressColumns:
        return self.address_columns(np.arange(self.topology.node_count))

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        return self._all_addresses.of(node)

    def gateway(self, node: int) -> tuple[int, int] | None:
        """Return (the member that `node` is, the member that is its default gateway), or None.

        A host's gateway is on the segment of its first port that has a router at all.
        """
        segments = self._segments
        for member in segments.members_of(node):
            gateway = int(segments.gateways[segments.members.segment[member]])
            if gateway >= 0 and gateway != member:
                return member, gateway
        return None

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`: a router's table, a host's default route."""
        if self.is_router(node):
            return self._tables.of(int(self.graph.index[node]))
        found = self.gateway(node)
        if found is None:
            return ()
        port = int(self._segments.members.port[found[0]])
        return tuple(
            Route(packed(v, 0), 0, (Hop(port, packed(v, self.addressing.member_value(v, found[1]))),))
            for v in self.addressing.versions
        )

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return all others on the node's segments and wires where static ARP is asked for, else nothing."""
        if not self.topology.static_arp:
            return ()
        segments, topology, addressing = self._segments, self.topology, self.addressing
        members, start = segments.members, segments.start
        out = []
        for own in segments.members_of(node):
            port, segment = int(members.port[own]), int(members.segment[own])
            for other in range(int(start[segment]), int(start[segment + 1])):
                if other != own:
                    address = mac(topology, int(members.node[other]), int(members.port[other]))
                    out += [
                        Neighbour(port, packed(v, addressing.member_value(v, other)), address)
                        for v in addressing.versions
                    ]
        for link, end, port in topology.incident(node):
            if segments.wires[link]:
                far = int(topology.ports[link, 1 - end])
                address = mac(topology, int(topology.ends[link, 1 - end]), far)
                out += [
                    Neighbour(port, packed(v, addressing.wire_value(v, link, 1 - end)), address)
                    for v in addressing.versions
                ]
        return tuple(out)
