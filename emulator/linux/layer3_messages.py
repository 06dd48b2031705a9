"""Addresses, routes and permanent neighbours, as forwarding computes them, in a node's batch."""

from __future__ import annotations

from collections.abc import Callable

from emulator.forwarding.base import Neighbour, Route
from emulator.linux import messages
from emulator.linux.netlink import Batch
from emulator.plan_part import PlanPart
from topologies.addressing import Address

ROUTE = "route in"
"""What messages of routes are called in errors."""

Hop = tuple[int, bytes | None]
"""Index of the interface, and the gateway."""

IndexOf = Callable[[int], int]
"""Gives the index of a port of the node whose messages are written."""


def hops_of(route: Route, index_of: IndexOf) -> list[Hop]:
    """Return the hops of `route` as messages have them."""
    return [(index_of(hop.port), hop.gateway) for hop in route.hops]


def give_address(batch: Batch, index: int, address: Address, label: str) -> None:
    """Add what gives `address` to the interface `index`; `label` is who has it in errors."""
    batch.add(messages.address(index, address.packed, address.length), f"give {address.text} to", label)


def give_route(batch: Batch, route: Route, name: str, hops: list[Hop]) -> None:
    """Add what gives the node `name` a route over `hops`."""
    batch.add(messages.route(route.packed, route.length, hops, route.source), ROUTE, name)


def give_neighbour(batch: Batch, entry: Neighbour, name: str, index_of: IndexOf) -> None:
    """Add what gives the node `name` a permanent neighbour."""
    made = messages.neighbour(index_of(entry.port), entry.packed, entry.mac)
    batch.add(made, "set neighbour of", name)


def give_ways(batch: Batch, part: PlanPart, node: int) -> None:
    """Add all routes and permanent neighbours of `node`."""
    name, index_of = part.topology.names[node], part.indices.at(node)
    for route in part.forwarding.routes(node):
        give_route(batch, route, name, hops_of(route, index_of))
    for entry in part.forwarding.neighbours(node):
        give_neighbour(batch, entry, name, index_of)
