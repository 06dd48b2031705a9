"""Addresses, routes and permanent neighbours, as forwarding computes them, in a node's batch."""

from __future__ import annotations

from emulator.forwarding.base import Forwarding, Neighbour, Route
from emulator.indices import port_index
from emulator.linux import messages
from emulator.linux.netlink import Batch
from topologies.addressing import Address

ROUTE = "route in"
"""What messages of routes are called in errors."""

Hop = tuple[int, bytes | None]
"""Index of the interface, and the gateway."""


def hops_of(route: Route) -> list[Hop]:
    """Return the hops of `route` as messages have them."""
    return [(port_index(hop.port), hop.gateway) for hop in route.hops]


def give_address(batch: Batch, index: int, address: Address, label: str) -> None:
    """Add what gives `address` to the interface `index`; `label` is who has it in errors."""
    batch.add(messages.address(index, address.packed, address.length), f"give {address.text} to", label)


def give_route(batch: Batch, route: Route, name: str, hops: list[Hop] | None = None) -> None:
    """Add what gives the node `name` a route, over all its hops or over `hops`."""
    over = hops_of(route) if hops is None else hops
    batch.add(messages.route(route.packed, route.length, over, route.source), ROUTE, name)


def give_neighbour(batch: Batch, entry: Neighbour, name: str) -> None:
    """Add what gives the node `name` a permanent neighbour."""
    made = messages.neighbour(port_index(entry.port), entry.packed, entry.mac)
    batch.add(made, "set neighbour of", name)


def give_ways(batch: Batch, forwarding: Forwarding, node: int, name: str) -> None:
    """Add all routes and permanent neighbours of `node`, called `name`."""
    for route in forwarding.routes(node):
        give_route(batch, route, name)
    for entry in forwarding.neighbours(node):
        give_neighbour(batch, entry, name)
