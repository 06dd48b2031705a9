"""Computed routes in a form for other programs: `export` passes them to its writers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from emulator.forwarding.base import Hop
from emulator.forwarding.select import forwarding_for
from topologies.formats.static_routes import Routes, StaticRoute
from topologies.segments import is_routed
from topologies.topology import Topology

_IPV4 = 4


def _text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))


def _hop(hop: Hop) -> tuple[int, str | None]:
    return hop.port, None if hop.gateway is None else _text(hop.gateway)


def static_routes(topology: Topology) -> Routes | None:
    """Return a function for the IPv4 routes of each node; None when nothing routes."""
    if not is_routed(topology):
        return None
    forwarding = forwarding_for(topology)

    def routes(node: int) -> Iterator[StaticRoute]:
        for route in forwarding.routes(node):
            if len(route.packed) == _IPV4:
                source = None if route.source is None else _text(route.source)
                hops = tuple(map(_hop, route.hops))
                yield StaticRoute(f"{_text(route.packed)}/{route.length}", hops, source)

    return routes
