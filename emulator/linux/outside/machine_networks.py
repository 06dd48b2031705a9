"""IPv4 networks that the machine uses, and free ones for the links between it and nat nodes."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, collapse_addresses, ip_interface, ip_network
from zlib import crc32

from emulator.errors import RefusedError
from emulator.linux.netlink import dumps, messages
from emulator.linux.netlink.connection import Netlink
from emulator.linux.observed import parse
from topologies.topology import Topology

_UPLINKS = IPv4Network("198.18.0.0/15")
"""Addresses for tests of network devices (RFC 2544): no network of anybody's is there."""
_LENGTH = 30


def networks_here() -> dict[IPv4Network, str]:
    """Return the IPv4 networks of this thread's namespace, with the interface of each; no default routes."""
    with Netlink() as netlink:
        links = dict(parse.interface(body) for _, body in netlink.dump(dumps.LINKS))
        names = {link.ifindex: name for name, link in links.items()}
        out: dict[IPv4Network, str] = {}
        for _, body in netlink.dump(dumps.ADDRESSES):
            index, packed, length = parse.address(body)
            if len(packed) == 4:
                out[IPv4Network((packed, length), strict=False)] = names.get(index, "?")
        for _, body in netlink.dump(dumps.ROUTES[messages.AF_INET]):
            route = parse.route(body)
            if route is not None and route.length:
                index = min((hop[0] for hop in route.hops), default=0)
                out[IPv4Network((route.prefix, route.length))] = names.get(index, "?")
    return {network: name for network, name in out.items() if not network.is_loopback}


def networks_of(topology: Topology) -> list[IPv4Network]:
    """Return the IPv4 networks of the emulated network: its pools, and those of the file's addresses."""
    stated = (
        ip_interface(text).network for values in topology.explicit.values() for _, text in values.addresses
    )
    pools = (ip_network(pool) for pool in topology.pools if pool)
    return [network for network in (*pools, *stated) if isinstance(network, IPv4Network)]


def reached_networks(topology: Topology) -> list[IPv4Network]:
    """Return the networks in which hosts have their addresses: those that the machine needs routes to."""
    routers = {topology.pools.links, topology.pools.loopbacks}
    return list(collapse_addresses(one for one in networks_of(topology) if str(one) not in routers))


def free_network(taken: Iterable[IPv4Network], seed: str) -> IPv4Network:
    """Return a network of four addresses that overlaps none of `taken`; `seed` chooses the first to try."""
    used = [network for network in taken if network.overlaps(_UPLINKS)]
    count = 1 << (_LENGTH - _UPLINKS.prefixlen)
    first = crc32(seed.encode()) % count
    for step in range(count):
        at = int(_UPLINKS.network_address) + 4 * ((first + step) % count)
        found = IPv4Network((at, _LENGTH))
        if not any(found.overlaps(network) for network in used):
            return found
    raise RefusedError(
        [f"no part of {_UPLINKS} is free for a nat node's uplink; give it one: `uplink: …/30`"]
    )
