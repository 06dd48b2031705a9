"""Static routes for exports. The caller computes forwarding: this package doesn't."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class StaticRoute(NamedTuple):
    """IPv4 route to `to` (CIDR) over `hops`: (port, address of the next router, or None on a direct link).

    `source` is the source address of the node's own packets.
    """

    to: str
    hops: tuple[tuple[int, str | None], ...]
    source: str | None = None

    def words(self, device: Callable[[int], str]) -> str:
        """Return the arguments of `ip route replace`; `device` names the interface of a port."""
        source = f" src {self.source}" if self.source else ""
        hops = [f"via {via} dev {device(port)}" if via else f"dev {device(port)}" for port, via in self.hops]
        if len(hops) == 1:
            return f"{self.to} {hops[0]}{source}"
        return f"{self.to}{source}" + "".join(f" nexthop {hop}" for hop in hops)


Routes = Callable[[int], Iterable[StaticRoute]]
"""Function that returns the routes of a node by its index."""
