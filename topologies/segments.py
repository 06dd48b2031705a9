"""Segments: the broadcast domains (layer 2) that routers join (layer 3).

Under `forwarding: routed` every switch and every relaying host is a router, and nothing bridges.
In a bridged file only nodes of `kind: router` route; switches and relaying hosts bridge.

A segment is one of
- a router and the plain hosts on its ports (its access bridge, like a top-of-rack switch's SVI);
- a LAN of bridging nodes, with the hosts and routers on it;
- a wire between two plain hosts.
A link between two routers is no segment: it is point-to-point.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.graph_arrays import components
from topologies.topology import Kind, Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

BRIDGE_PORT = 0xFFFF
"""Port number of a node's bridge."""
LOOPBACK_PORT = 0xFFFE
"""Port number of a node's loopback."""


def is_routed(topology: Topology) -> bool:
    """Return whether any node forwards by address instead of by MAC."""
    return topology.forwarding == "routed" or bool(np.any(topology.kinds == Kind.ROUTER))


class Members(NamedTuple):
    """Nodes with an address on the segments: int64[k] each, by segment, then routers, then in node order.

    `port` may be BRIDGE_PORT; `vertex` is the vertex the member is attached to (see `Segments.vertices`),
    `link` the link it is attached by, or -1 for a bridge.
    """

    segment: Ints
    node: Ints
    port: Ints
    vertex: Ints
    link: Ints
    routes: Bools


class Segments:
    """Segments of a topology, numbered so that neighbours in the hierarchy are neighbours.

    `routers`, `bridges`, `plain`: bool[n], the role of each node. `wires`: bool[m], links between
    two routers. `of_end`: int64[m, 2], each link end's segment, -1 on wires.
    `bearing` segments come first: those with hosts, in the order of `groups`.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        relays = np.array([profile.relay for profile in topology.node_profiles], dtype=bool)
        relaying = (topology.kinds == Kind.HOST) & relays[topology.node_profile]
        passing = (topology.kinds == Kind.SWITCH) | relaying
        routed = topology.forwarding == "routed"
        self.routers: Bools = (topology.kinds == Kind.ROUTER) | (passing & routed)
        self.bridges: Bools = passing & ~self.routers
        self.plain: Bools = ~self.routers & ~self.bridges
        self.wires: Bools = self.routers[topology.ends].all(axis=1)
        self._number()

    @cached_property
    def vertices(self) -> Ints:
        """Vertex of each link end, int64[m, 2]: a node's bridge (its index) or the end itself (n + slot)."""
        ends = self.topology.ends
        own = self.topology.node_count + np.arange(ends.size).reshape(-1, 2)
        access = self.routers[ends] & self.plain[ends[:, ::-1]]
        return np.where(self.bridges[ends] | access, ends, own)

    def parts(self, up: Bools | None = None) -> Ints:
        """Return the connected part of each vertex over the links that are up: int64[n + 2m]."""
        alive = ~self.wires if up is None else ~self.wires & up
        joined = self.vertices[alive]
        count = self.topology.node_count + self.topology.ends.size
        return components(joined[:, 0], joined[:, 1], count)

    @property
    def largest(self) -> int:
        """Largest number of links that a broadcast crosses: the bridges' tree, and all others."""
        ends, segment = self.topology.ends, self.of_end[:, 0]
        between = self.bridges[ends].all(axis=1)
        out = np.bincount(segment[(segment >= 0) & ~between], minlength=self.count)
        of_node = np.full(self.topology.node_count, -1, dtype=np.int64)
        of_node[ends] = self.of_end
        joined = np.bincount(of_node[self.bridges & (of_node >= 0)], minlength=self.count)
        return int((out + np.maximum(joined - 1, 0)).max(initial=0))

    def _number(self) -> None:
        """Assign the segments' numbers: those with hosts first, by leaf group and then by first host."""
        topology = self.topology
        label = self.parts()[self.vertices]
        label[self.wires] = -1
        found, of_end = np.unique(label, return_inverse=True)
        of_end = of_end.reshape(label.shape) - int(bool(len(found)) and found[0] == -1)
        self.count = len(found) - int(bool(len(found)) and found[0] == -1)
        hosts = (topology.kinds == Kind.HOST)[topology.ends] & (of_end >= 0)
        hosts &= ~self.routers[topology.ends]
        after = topology.node_count
        group = topology.groups[topology.ends].astype(np.int64)
        group = np.where(group < 0, after, group)
        first_host = np.full(self.count, after, dtype=np.int64)
        least_group = np.full(self.count, np.iinfo(np.int64).max)
        np.minimum.at(first_host, of_end[hosts], topology.ends[hosts].astype(np.int64))
        np.minimum.at(least_group, of_end[hosts], group[hosts])
        order = np.lexsort((first_host, least_group))
        place = np.empty(self.count + 1, dtype=np.int64)
        place[order] = np.arange(self.count)
        place[self.count] = -1
        self.of_end: Ints = place[of_end]
        self.bearing = int(np.count_nonzero(first_host < after))
        self.group: Ints = least_group[order]

    @cached_property
    def members(self) -> Members:
        """All nodes with an address on a segment: once per node and segment, on its first link to it."""
        topology = self.topology
        ends = topology.ends.astype(np.int64)
        explicit = np.zeros(topology.node_count, dtype=bool)
        explicit[[node for node, values in topology.explicit.items() if values.addresses]] = True
        addressed = (topology.kinds == Kind.HOST) | self.routers | explicit
        slots = np.flatnonzero((addressed[ends] & (self.of_end >= 0)).ravel())
        node, segment = ends.ravel()[slots], self.of_end.ravel()[slots]
        vertex = self.vertices.ravel()[slots]
        on_bridge = vertex == node
        port = np.where(on_bridge, BRIDGE_PORT, topology.ports.ravel()[slots].astype(np.int64))
        link = np.where(on_bridge, -1, slots // 2)
        routes = self.routers[node]
        order = np.lexsort((port, node, ~routes, segment))
        first = np.ones(len(order), dtype=bool)
        sorted_node, sorted_segment = node[order], segment[order]
        first[1:] = (sorted_node[1:] != sorted_node[:-1]) | (sorted_segment[1:] != sorted_segment[:-1])
        kept = order[first]
        return Members(segment[kept], node[kept], port[kept], vertex[kept], link[kept], routes[kept])

    @cached_property
    def start(self) -> Ints:
        """Start of each segment's members, `start[s]:start[s+1]`: int64[count + 1]."""
        return np.searchsorted(self.members.segment, np.arange(self.count + 1))

    @cached_property
    def by_node(self) -> tuple[Ints, Ints]:
        """Members of each node: (start int64[n+1], member int64[k]), by port."""
        members = self.members
        order = np.lexsort((members.port, members.node))
        return np.searchsorted(members.node[order], np.arange(self.topology.node_count + 1)), order

    def members_of(self, node: int) -> list[int]:
        """Return the members that are `node`, by port."""
        start, order = self.by_node
        return order[start[node] : start[node + 1]].tolist()  # type: ignore[no-any-return]

    @cached_property
    def gateways(self) -> Ints:
        """First router of each segment, as a member, or -1: int64[count]."""
        first = self.start[:-1]
        if not len(self.members.node):
            return np.full(self.count, -1, dtype=np.int64)
        held = first < self.start[1:]
        safe = np.where(held, first, 0)
        return np.where(held & self.members.routes[safe], first, -1)
