"""Messages for a node's settings and their changes: addresses, routes, permanent neighbours.

A running node receives only the differences, removals before additions.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.forwarding.base import BRIDGE_PORT, Neighbour, Route
from emulator.indices import BRIDGE_INDEX
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch
from emulator.linux.netlink.qdisc import add_shape
from emulator.node_settings import NodeSettings, PortSettings
from emulator.plan_part import PlanPart
from topologies.addressing import Address

ROUTE = "route in"
"""Operation of route messages in errors."""

Hop = tuple[int, bytes | None]
"""Index of the interface, and the gateway."""

IndexOf = Callable[[int], int]
"""Function from a port of the node to its interface index."""


def hops_of(route: Route, index_of: IndexOf) -> list[Hop]:
    """Return the hops of `route` in message format."""
    return [(index_of(hop.port), hop.gateway) for hop in route.hops]


def add_address(batch: Batch, index: int, address: Address, label: str) -> None:
    """Append the message that adds `address` to the interface `index`; errors name `label`."""
    batch.add(messages.address(index, address.packed, address.length), f"give {address.text} to", label)


def add_route(batch: Batch, route: Route, name: str, hops: list[Hop]) -> None:
    """Append the message that adds a route over `hops` to the node `name`."""
    batch.add(messages.route(route.packed, route.length, hops, route.source), ROUTE, name)


def add_neighbour(batch: Batch, entry: Neighbour, name: str, index_of: IndexOf) -> None:
    """Append the message that adds a permanent neighbour to the node `name`."""
    made = messages.neighbour(index_of(entry.port), entry.packed, entry.mac)
    batch.add(made, "set neighbour of", name)


def add_routes_and_neighbours(batch: Batch, part: PlanPart, node: int) -> None:
    """Append the messages that add all routes and permanent neighbours of `node`."""
    name, index_of = part.topology.names[node], part.indices.at(node)
    for route in part.forwarding.routes(node):
        add_route(batch, route, name, hops_of(route, index_of))
    for entry in part.forwarding.neighbours(node):
        add_neighbour(batch, entry, name, index_of)


def removals(old: NodeSettings, new: NodeSettings) -> Batch:
    """Return the batch that removes settings missing in `new`: routes, addresses, bridge ports.

    Send it before new nodes and links are created, so that nothing exists twice. The kernel may have removed
    some objects by itself (routes over a link that is down): ignore ESRCH, EADDRNOTAVAIL and ENODEV.
    """
    batch = Batch()
    for route in sorted(old.routes - new.routes):
        if any(r.packed == route.packed and r.length == route.length for r in new.routes):
            continue  # replaced in place
        made = messages.route(route.packed, route.length, hops_of(route, old.index), delete=True)
        batch.add(made, "remove route in", old.name)
    for neighbour in sorted(old.neighbours - new.neighbours):
        if neighbour.port in new.ports or neighbour.port == BRIDGE_PORT:
            made = messages.neighbour_delete(old.index(neighbour.port), neighbour.packed)
            batch.add(made, "remove neighbour of", old.name)
    for address in sorted(old.addresses - new.addresses):
        made = messages.address(old.index(address.port), address.packed, address.length, delete=True)
        batch.add(made, f"take {address.text} from", old.name)
    for port, before in old.ports.items():
        after = new.ports.get(port)
        if after and before.bridged and not after.bridged:
            batch.add(messages.link_master(after.interface, 0), "unbridge a port of", old.name)
    return batch


def additions(old: NodeSettings, new: NodeSettings) -> Batch:
    """Return the batch that adds the settings missing in `old`.

    When an interface's MAC changes, the kernel drops all its neighbours, also permanent ones. When an
    interface loses its last IPv4 address, even for one with another prefix length, it drops the IPv4 routes,
    too. The batch adds them again.
    """
    batch = Batch()
    emptied = _emptied(old, new)
    if new.mac != old.mac:
        batch.add(messages.link_mac(BRIDGE_INDEX, new.mac), "set the MAC of", new.name)
    for port, after in new.ports.items():
        before = old.ports.get(port)
        if before is not None and before != after:
            _change_port(batch, new.name, after, before)
    for address in sorted(new.addresses - old.addresses):
        add_address(batch, new.index(address.port), address, new.name)
    for route in sorted(new.routes, key=_links_first):
        lost = len(route.packed) == 4 and any(hop.port in emptied for hop in route.hops)
        if lost or route not in old.routes:
            add_route(batch, route, new.name, hops_of(route, new.index))
    forgot = {
        port for port, after in new.ports.items() if port in old.ports and after.mac != old.ports[port].mac
    }
    if new.mac != old.mac:
        forgot.add(BRIDGE_PORT)
    forgot |= emptied
    for neighbour in sorted(new.neighbours):
        if neighbour not in old.neighbours or neighbour.port in forgot:
            add_neighbour(batch, neighbour, new.name, new.index)
    return batch


def _emptied(old: NodeSettings, new: NodeSettings) -> set[int]:
    """Return the ports that lose all their IPv4 addresses before they get others."""
    had = {address.port for address in old.addresses if address.version == 4}
    keep = {address.port for address in old.addresses & new.addresses if address.version == 4}
    return had - keep


def _links_first(route: Route) -> tuple[bool, bytes, int]:
    """Sort routes on a link before routes that need a gateway there."""
    return route.hops[0].gateway is not None, route.packed, route.length


def _change_port(batch: Batch, name: str, after: PortSettings, before: PortSettings) -> None:
    """Append the messages that change a remaining interface to `after`."""
    index = after.interface
    if before.mac != after.mac:
        batch.add(messages.link_mac(index, after.mac), "set the MAC of a port of", name)
    if before.mtu != after.mtu:
        batch.add(messages.link_mtu(index, after.mtu), "set the MTU of a port of", name)
    if after.bridged and not before.bridged:
        batch.add(messages.link_master(index, BRIDGE_INDEX), "bridge a port of", name)
    if before.shape != after.shape:
        add_shape(batch, index, after.shape, after.mtu, f"a port of {name}")
