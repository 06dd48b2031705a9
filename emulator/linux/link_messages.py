"""The messages of single links and ports of nodes that run already."""

from __future__ import annotations

from collections.abc import Callable

from emulator.forwarding.base import Role
from emulator.linux.layer3_messages import give_address, give_neighbour, give_route, hops_of
from emulator.linux.netlink import Batch
from emulator.linux.node_messages import NodeMessages
from emulator.plan import Plan


class LinkMessages(NodeMessages):
    """What `NodeMessages` writes for whole nodes, link by link: all other ports may be there."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, plan.topology.degrees)

    def newer_node(self, link: int) -> int:
        """Return the node at the end of `link` from which the link is made."""
        return max(self._ends[link], key=self._when.__getitem__)

    def needs_older_end(self, link: int) -> bool:
        """Return whether the older end of `link` must be readied as well, in a batch of its own."""
        return self._late[link]

    def link(self, batch: Batch, link: int, namespace_of: Callable[[int], int]) -> None:
        """Add what makes `link` from its newer node, readies that node's end, and what is over it there.

        Its older end must need nothing of the kind (`needs_older_end`).
        """
        node = self.newer_node(link)
        end = self._ends[link].index(node)
        self._veth(batch, node, link, end, namespace_of)
        self._port(batch, node, link, end)
        self._over(batch, node, self._ports[link][end])

    def after_up(self, batch: Batch, node: int, port: int) -> None:
        """Add what the kernel drops when a port goes down: IPv6 addresses, routes and neighbours over it.

        The routes fail while others of their ports are down: `partial_routes` knows what to do then.
        """
        name, index_of = self._names[node], self._indices.at(node)
        if not self._quiet:
            for address in self._addresses(node):
                if address.port == port and address.version == 6:
                    give_address(batch, index_of(port), address, name)
        self._over(batch, node, port)

    def _over(self, batch: Batch, node: int, port: int) -> None:
        """Add what goes with an interface: the routes and permanent neighbours of `node` over `port`."""
        self.routes_over(batch, node, port)
        name, index_of = self._names[node], self._indices.at(node)
        for entry in self._forwarding.neighbours(node):
            if entry.port == port:
                give_neighbour(batch, entry, name, index_of)

    def routes_over(self, batch: Batch, node: int, port: int) -> None:
        """Add the routes of `node` that have a hop over `port`."""
        for route in self._forwarding.routes(node):
            if any(hop.port == port for hop in route.hops):
                give_route(batch, route, self._names[node], hops_of(route, self._indices.at(node)))

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
        for slot in self._topology.slots(node):
            link, end = slot >> 1, slot & 1
            if self._ports[link][end] == port:
                other = self._ends[link][1 - end]
                waits = self._roles[link][1 - end] == Role.ADDRESSED and self._forwarding.is_router(other)
                return (other, self._ports[link][1 - end]) if waits else None
        return None
