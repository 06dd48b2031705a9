"""Netlink messages that change links and ports of running nodes."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

from emulator.forwarding.base import Role
from emulator.link_states import States, effective_shape
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.qdisc import add_shape
from emulator.linux.netlink.settings_messages import add_address, add_neighbour, add_route, hops_of
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.plan_part import PlanPart
from topologies.identifiers import interface_name

UNSHAPED = frozenset({errno.ENOENT})
"""Errors of the removal of a queue that doesn't exist."""


class LinkMessages(NodeMessages):
    """Messages of `NodeMessages` for single links. All other ports may exist."""

    def __init__(self, part: PlanPart) -> None:
        super().__init__(part, running=True)

    def newer_node(self, link: int) -> int:
        """Return the end node of `link` from which the link is created."""
        row = self._part.link_row[link]
        return self._ends.owner(row, self._newer_end(row))

    def needs_older_end(self, link: int) -> bool:
        """Return whether `link` needs more than `link()`: a batch for its older end, or a tunnel."""
        row = self._part.link_row[link]
        return self._ends.second_batch[row] or row >= self._ends.first_tunnel

    def is_down(self, node: int, port: int) -> bool:
        """Return whether the link at `port` of `node` is down in the plan."""
        down = self._part.down
        return bool(down) and any(
            row in down and self._ends.port[row][end] == port
            for row, end in self._ends.at(self._part.node_row[node])
        )

    def link(self, batch: Batch, link: int, namespace_of: Callable[[int], int]) -> None:
        """Append the messages that create `link` from its newer node and set up that node's end.

        Its older end must need no messages of its own (`needs_older_end`).
        """
        row = self._part.link_row[link]
        end = self._newer_end(row)
        self._veth(batch, row, end, namespace_of)
        self._port(batch, row, end)
        self._over(batch, self._ends.owner(row, end), self._ends.port[row][end])

    def _newer_end(self, row: int) -> int:
        return int(self._ends.is_to_older(row, 1))

    def after_up(self, batch: Batch, node: int, port: int) -> None:
        """Append the objects that the kernel drops when a port goes down: IPv6 addresses, routes, neighbours.

        The routes fail while others of their ports are down: `partial_routes` handles that case.
        """
        node_row, index_of = self._part.node_row[node], self._part.indices.at(node)
        if not self._quiet:
            for address in self._addresses_of(node_row):
                if address.port == port and address.version == 6:
                    add_address(batch, index_of(port), address, self._part.names[node_row])
        self._over(batch, node, port)

    def _over(self, batch: Batch, node: int, port: int) -> None:
        """Append the routes and permanent neighbours of `node` that depend on the interface of `port`."""
        self.routes_over(batch, node, port)
        name, index_of = self._part.names[self._part.node_row[node]], self._part.indices.at(node)
        for entry in self._forwarding.neighbours(node):
            if entry.port == port:
                add_neighbour(batch, entry, name, index_of)

    def routes_over(self, batch: Batch, node: int, port: int) -> None:
        """Append the routes of `node` that have a hop over `port`."""
        name, index_of = self._part.names[self._part.node_row[node]], self._part.indices.at(node)
        for route in self._forwarding.routes(node):
            if any(hop.port == port for hop in route.hops):
                add_route(batch, route, name, hops_of(route, index_of))

    def shares_routes(self, node: int, port: int) -> bool:
        """Return whether the router `node` has routes over `port` and others."""
        return self._forwarding.is_router(node) and any(
            len(route.hops) > 1 and any(hop.port == port for hop in route.hops)
            for route in self._forwarding.routes(node)
        )

    def router_beyond(self, node: int, port: int) -> tuple[int, int] | None:
        """Return the (node, port) at the other end if IPv6 routes there wait for this end's carrier."""
        if self._quiet:
            return None
        ends = self._ends
        for row, end in ends.at(self._part.node_row[node]):
            if ends.port[row][end] == port and row < ends.first_tunnel:  # a tunnel always has a carrier
                far = 1 - end
                other = ends.owner(row, far)
                waits = ends.role[row][far] == Role.ADDRESSED and self._forwarding.is_router(other)
                return (other, ends.port[row][far]) if waits else None
        return None


def shape_batches(part: PlanPart, states: States, links: Iterable[int]) -> dict[int, Batch]:
    """Return the shape messages for the ends of `links` in `part`, by node."""
    topology = part.topology
    batches: dict[int, Batch] = {}
    for link in links:
        mtu = topology.link_profile_of(link).effective_mtu
        for end, node, port, index in part.ends_here(link):
            shape, name = effective_shape(topology, states, link, end), interface_name(topology, node, port)
            add_shape(batches.setdefault(node, Batch()), index, shape, mtu, name)
    return batches


def apply_shapes(part: PlanPart, store: NamespaceStore, states: States, links: Iterable[int]) -> None:
    """Set the changed shapes of `links`. Call inside the store's mount namespace."""
    for node, batch in shape_batches(part, states, links).items():
        store.go(part.namespaces.file(node))
        with Netlink() as netlink:
            netlink.run(batch, ignore=UNSHAPED)
