"""Settings of one node by its plan: interfaces, addresses, routes and neighbours. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Neighbour, Role, Route
from emulator.plan import Plan
from topologies.addressing import Address
from topologies.identifiers import mac
from topologies.profiles import Shape


class PortSettings(NamedTuple):
    """Settings of an interface.

    `interface` is its index. `bridged` ports belong to the node's bridge device; those of Open vSwitch don't:
    its daemon has their bridges, not the kernel.
    """

    interface: int
    bridged: bool
    mac: bytes
    mtu: int
    shape: Shape


@dataclass
class NodeSettings:
    """Settings of a node: interfaces, addresses (any port), routes and neighbours; `mac` of its bridge."""

    name: str
    ports: dict[int, PortSettings]
    addresses: frozenset[Address]
    routes: frozenset[Route]
    neighbours: frozenset[Neighbour]
    mac: bytes
    index: Callable[[int], int] = field(repr=False, compare=False)
    """Returns the index of any port's interface, including links that aren't in `ports`."""


def node_settings(plan: Plan, node: int, links: frozenset[int] | None = None) -> NodeSettings:
    """Return the settings of `node` in `plan`; with `links`, only the ports of those links count."""
    topology, forwarding = plan.topology, plan.forwarding
    of_daemon, index_of = bool(plan.namespaces.of_daemon[node]), plan.indices.at(node)
    ports: dict[int, PortSettings] = {}
    for link, end, port in topology.incident(node):
        if links is not None and link not in links:
            continue
        profile = topology.link_profile_of(link)
        bridged = not of_daemon and bool(forwarding.roles[link, end] == Role.BRIDGED)
        ports[port] = PortSettings(
            index_of(port), bridged, mac(topology, node, port), profile.effective_mtu,
            topology.shape(link, end),
        )  # fmt: skip
    usable = set() if of_daemon else {*ports, BRIDGE_PORT, LOOPBACK_PORT}
    return NodeSettings(
        topology.names[node],
        ports,
        frozenset(a for a in forwarding.addresses(node) if a.port in usable),
        frozenset(forwarding.routes(node)),
        frozenset(forwarding.neighbours(node)),
        mac(topology, node, BRIDGE_PORT) if forwarding.has_bridge(node) and not of_daemon else b"",
        index_of,
    )
