"""Routed forwarding: routers join segments, shortest paths with ECMP, no controller and no daemon.

`topologies.segments` decides which nodes route and which bridge, `topologies.addressing.routed` assigns
the subnets, `route_tables` computes the tables. Everything is computed on request, from the links that are
up. After a failure, compute again with the new mask and apply the differences. Addresses never depend on
the mask.

A router's address on a LAN of bridging nodes has a prefix of full length. The route to the LAN is in the
router's table instead, so that it can be removed when a failure splits the LAN.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Neighbour, Role, Route
from emulator.forwarding.route_columns import RouteColumns, packed
from emulator.forwarding.route_tables import RouteTables
from emulator.forwarding.router_graph import RouterGraph
from emulator.forwarding.spanning_tree import tree_links
from topologies.addressing import Address, AddressColumns, RoutedAddressing
from topologies.addressing.columns import Numbers
from topologies.addressing.routed_columns import routed_columns
from topologies.identifiers import mac
from topologies.one_by_one import OneByOne
from topologies.topology import Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class RoutedForwarding:
    """Forwarding of a topology with routers. `up` marks the links that are up (bool[m]; None: all).

    Raises ParameterError when the address pools or the file's addresses are unusable.
    """

    def __init__(self, topology: Topology, up: Bools | None = None) -> None:
        self.topology = topology
        self.addressing = RoutedAddressing(topology)
        self._segments = self.addressing.segments
        self._up = None if up is None else up.copy()

    @cached_property
    def graph(self) -> RouterGraph:
        """The routers, and the hops between them that are up."""
        return RouterGraph(self.addressing, self._up)

    @cached_property
    def _tables(self) -> RouteTables:
        return RouteTables(self.addressing, self.graph)

    @cached_property
    def _on_bridge(self) -> Bools:
        """Return the link ends that are ports of their node's bridge: bool[m, 2]."""
        return np.asarray(self._segments.vertices == self.topology.ends)

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of every link end: uint8[m, 2]."""
        roles = np.where(self._on_bridge, np.uint8(Role.BRIDGED), np.uint8(Role.ADDRESSED))
        if self._segments.bridges.any():
            cut = ~tree_links(self.topology, self._up)
            if self._up is not None:
                cut &= self._up  # a link that is down is not blocked: its role stays the same
            roles[cut[:, None] & self._segments.bridges[self.topology.ends]] = Role.BLOCKED
        return roles.astype(np.uint8)

    @cached_property
    def _bridged_nodes(self) -> Bools:
        held = self._segments.bridges.copy()
        held[self.topology.ends[self._on_bridge]] = True
        return held

    def has_bridge(self, node: int) -> bool:
        """Return whether `node` bridges: it is a switch of a LAN, or a router with hosts on its ports."""
        return bool(self._bridged_nodes[node])

    def is_router(self, node: int) -> bool:
        """Return whether `node` forwards by address."""
        return bool(self._segments.routers[node])

    def address_columns(self, nodes: Ints) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending), a router's own first."""
        return routed_columns(self.addressing, nodes)

    @cached_property
    def _one_by_one(self) -> OneByOne[AddressColumns]:
        return OneByOne(self.address_columns, self.topology.node_count)

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        columns, position = self._one_by_one.at(node)
        return columns.of(position)

    @cached_property
    def _gateways(self) -> tuple[Ints, Ints]:
        """Each node's own member and the member that is its default gateway, or -1: int64[n] each.

        A host's gateway is on the segment of its first port with a router on the segment.
        """
        _, member = self._segments.by_node
        gateway = self._segments.gateways[self._segments.members.segment[member]]
        own, found = np.full((2, self.topology.node_count), -1, dtype=np.int64)
        there = np.flatnonzero((gateway >= 0) & (gateway != member))[::-1]  # the first is written last
        node = self._segments.members.node[member[there]]
        own[node], found[node] = member[there], gateway[there]
        return own, found

    def gateway(self, node: int) -> tuple[int, int] | None:
        """Return (the member that `node` is, the member that is its default gateway), or None."""
        own, found = self._gateways
        return None if found[node] < 0 else (int(own[node]), int(found[node]))

    def route_columns(self, nodes: Ints) -> RouteColumns:
        """Return the routes of `nodes` (int64[q], ascending): routers' tables, hosts' default routes."""
        routers = np.flatnonzero(self._segments.routers[nodes]).tolist()
        tables = [
            replace(table, nodes=nodes, position=table.position + position)
            for position in routers
            for table in [self._tables.columns(int(self.graph.index[nodes[position]]))]
        ]
        return RouteColumns.joined(nodes, [self._default_columns(nodes), *tables])

    def _default_columns(self, nodes: Ints) -> RouteColumns:
        """Return the default routes of those of `nodes` that aren't routers."""
        own, gateway = (members[nodes] for members in self._gateways)
        position = np.flatnonzero((gateway >= 0) & ~self._segments.routers[nodes])
        own, gateway, versions = own[position], gateway[position], self.addressing.versions
        none = np.zeros(len(position) * len(versions), dtype=np.int64)
        order = np.arange(len(none)).reshape(len(versions), -1).T.ravel()  # node by node
        values = [self.addressing.member_numbers[version].take(gateway) for version in versions]
        return RouteColumns(
            nodes,
            np.repeat(position, len(versions)),
            np.tile(np.array(versions, dtype=np.uint8), len(position)),
            Numbers.from_base(0, none),
            none,
            Numbers.from_base(0, none),
            np.arange(len(none)),
            np.arange(len(none) + 1),
            np.repeat(self._segments.members.port[own], len(versions)),
            Numbers.joined(values).take(order),
        )

    @cached_property
    def _default_routes(self) -> OneByOne[RouteColumns]:
        return OneByOne(self._default_columns, self.topology.node_count)

    def routes(self, node: int) -> tuple[Route, ...]:
        """Return the routes of `node`: a router's table, a host's default route."""
        if self.is_router(node):
            return self._tables.columns(int(self.graph.index[node])).of(0)
        columns, position = self._default_routes.at(node)
        return columns.of(position)

    def neighbours(self, node: int) -> tuple[Neighbour, ...]:
        """Return all others on the node's segments and wires if the file wants static ARP, else nothing."""
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
