"""Routes without a gateway of a Mininet script's nodes in the machine's namespace.

A `root` node of a script has 10.123.123.1/32 and the machine a route to 10.0.0.0/24 by its interface. Here
the node has 10.123.123.1/9, so that it reaches the same hosts; `kind: outside` gives the machine its route.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from topologies.formats.ip_commands import SetsLinkRoute, parsed
from topologies.formats.left_out import LeftOut

_SHORTEST = 8
"""Prefix length: a longer way from the address to the route's network is no network of hosts."""


def is_link_route(command: str) -> bool:
    """Return whether a command sets a route without a gateway."""
    return isinstance(parsed(command), SetsLinkRoute)


def reach_routes(name: str, attributes: dict[str, Any], commands: Iterable[str], left_out: LeftOut) -> None:
    """Lengthen the networks of a node's addresses, `ip` of `attributes`, to its routes; note the others."""
    words = str(attributes.get("ip") or "").split()
    for command in commands:
        found = parsed(command)
        if isinstance(found, SetsLinkRoute):
            reached = [_reaching(word, found.destination) for word in words]
            if None in reached or not words:
                left_out.add("commands", f"{name} ({command})")
            else:
                words = [word for word in reached if word]
    if words:
        attributes["ip"] = " ".join(words)


def _reaching(word: str, destination: str) -> str | None:
    """Return an address `value@port` whose network has the destination; None if there is no such network."""
    value, _, port = word.partition("@")
    try:
        own, route = IPv4Interface(value), IPv4Network(destination)
    except ValueError:  # IPv6, or no address, which the graph's reader tells
        return None
    space = own.network
    while not route.subnet_of(space) and space.prefixlen > _SHORTEST:
        space = space.supernet()
    return f"{own.ip}/{space.prefixlen}@{port}" if route.subnet_of(space) else None
