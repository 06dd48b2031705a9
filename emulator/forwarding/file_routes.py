"""Routes that the file gives nodes (`gateway`, `routes`), beside those that the network computes.

They lead out of the pools. What the network forwards by itself stays as computed, so a check expects that.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import numpy as np

from emulator.forwarding.added_routes import AddedRoutes
from emulator.forwarding.base import Hop, Route
from emulator.forwarding.protocol import Forwarding
from topologies.addressing import Address
from topologies.segments import is_routed
from topologies.topology import Topology

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class FileRoutes(AddedRoutes):
    """The forwarding `base` of `topology`, with the routes of its file."""

    def __init__(self, base: Forwarding, topology: Topology) -> None:
        has = np.array([_has_routes(topology, n) for n in range(len(topology.node_profiles))], dtype=bool)
        super().__init__(base, has[topology.node_profile])
        self._topology = topology

    def own(self, node: int) -> tuple[Route, ...]:
        """Return the routes of the file that `node` has; those that are computed, too, are not among them."""
        computed = {(route.packed, route.length) for route in self.base.routes(node)}
        found = (
            (network, _hop(self.addresses(node), gateway))
            for _, network, gateway in _wanted(self._topology, node)
        )
        routes = (Route(n.network_address.packed, n.prefixlen, (hop,)) for n, hop in found if hop)
        return tuple(route for route in routes if (route.packed, route.length) not in computed)


def with_file_routes(base: Forwarding, topology: Topology) -> Forwarding:
    """Return `base`, with the routes of the file if it has any."""
    return FileRoutes(base, topology) if has_file_routes(topology) else base


def has_file_routes(topology: Topology) -> bool:
    """Return whether the file gives nodes routes."""
    return any(_has_routes(topology, number) for number in range(len(topology.node_profiles)))


def _has_routes(topology: Topology, profile: int) -> bool:
    setup = topology.node_profiles[profile].setup
    return bool(setup.gateway or setup.routes)


def _wanted(topology: Topology, node: int) -> Iterator[tuple[str, Network, bytes]]:
    """Yield the key, destination and gateway of each route that the file gives `node`."""
    setup = topology.node_profile_of(node).setup
    for text in setup.gateway:
        gateway = ipaddress.ip_address(text)
        yield "gateway", ipaddress.ip_network("0.0.0.0/0" if gateway.version == 4 else "::/0"), gateway.packed
    for destination, text in setup.routes:
        yield "routes", ipaddress.ip_network(destination), ipaddress.ip_address(text).packed


def _hop(addresses: tuple[Address, ...], gateway: bytes) -> Hop | None:
    """Return the hop to a gateway on a subnet of the node; None if it is on none."""
    for address in addresses:
        shift = 8 * len(gateway) - address.length
        same = len(address.packed) == len(gateway)
        if same and int.from_bytes(gateway) >> shift == address.value >> shift and address.packed != gateway:
            return Hop(address.port, gateway)
    return None


def route_problems(topology: Topology, computed: Forwarding) -> Iterator[tuple[int, str, str]]:
    """Yield (node, key, message) for routes of the file that can't be beside the `computed` ones."""
    table = [_has_routes(topology, number) for number in range(len(topology.node_profiles))]
    used = topology.pools if is_routed(topology.underlay) else topology.pools[:2]
    pools = [ipaddress.ip_network(pool) for pool in used if pool]
    for node in np.flatnonzero(np.array(table)[topology.node_profile]).tolist():
        name = topology.names[node]
        if node >= topology.underlay.node_count:
            key = next(key for key, _, _ in _wanted(topology, node))
            yield node, key, f"`{name}` is in a VPC, whose router has the routes; leave `{key}` out"
            continue
        addresses = computed.addresses(node)
        known = {(route.packed, route.length): route.hops for route in computed.routes(node)}
        for key, network, gateway in _wanted(topology, node):
            text = ipaddress.ip_address(gateway)
            where, hop = (network.network_address.packed, network.prefixlen), _hop(addresses, gateway)
            if hop is not None and known.get(where) == (hop,):
                continue  # the file says what is computed anyway
            inside = next((pool for pool in pools if _is_inside(network, pool)), None)
            if inside is not None or where in known:
                yield node, key, _superfluous(key, inside or network, name, known.get(where, ()))
            elif hop is None:
                have = ", ".join(f"{a.text}/{a.length}" for a in addresses) or "no address"
                words = f"{text} is no neighbour of `{name}`, which has {have}"
                yield node, key, f"{words}; a gateway is another node's address on one of its subnets"


def _superfluous(key: str, network: Network, name: str, hops: tuple[Hop, ...]) -> str:
    if key == "gateway":
        by = " and ".join(str(ipaddress.ip_address(hop.gateway)) for hop in hops if hop.gateway)
        return (
            f"`{name}` has a default route already, by {by}: "
            "the network's routers are computed gateways; leave it out"
        )
    return (
        f"the network forwards to {network} by itself; leave it out, or write a destination outside its pools"
    )


def _is_inside(network: Network, pool: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(pool, ipaddress.IPv4Network) and network.subnet_of(pool)
    return isinstance(pool, ipaddress.IPv6Network) and network.subnet_of(pool)
