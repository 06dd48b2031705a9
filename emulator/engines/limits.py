"""Global kernel limits that a network needs raised."""

from __future__ import annotations

from emulator.plan import Plan
from topologies.segments import Segments, is_routed

_PER_HOST, _MOST_PER_HOST = 4, 64
_MOST = 4_000_000

BACKLOG = "net.core.netdev_max_backlog"
"""Frames that a processor may keep for later; one queue a processor, for all namespaces together."""
_FLOODS, _LEAST_FLOODS = 64, 8
_MOST_FRAMES = 1_000_000
"""A copy of a frame takes 256 B (struct sk_buff): a quarter of a gigabyte if ever so many wait."""


def global_needs(plan: Plan) -> dict[str, int]:
    """Return {sysctl: least value}."""
    return _neighbours(plan) | {BACKLOG: _frames(Segments(plan.topology).largest)}


def _frames(links: int) -> int:
    """Return how many frames may wait where a broadcast crosses so many links.

    A bridge hands all copies of a broadcast to the kernel's queue at once, and behind it each bridge does
    so before the first host has taken its own. What is over netdev_max_backlog (1,000 by default) is
    dropped without a word (net/core/dev.c, enqueue_to_backlog), and always for the same ports. So the queue
    takes 64 broadcasts at a time, fewer in a domain so large that this would take too much memory.
    """
    floods = min(_FLOODS, _MOST_FRAMES // max(links, 1))
    return links * max(floods, _LEAST_FLOODS)


def _neighbours(plan: Plan) -> dict[str, int]:
    """Return the thresholds of the neighbour tables.

    The neighbour table is one for all namespaces (net/core/neighbour.c): past gc_thresh3 (1,024 by
    default) new entries are refused, to hosts of other networks as well. A host may talk to all of its
    broadcast domain, or 64 of it; static ARP needs all. Nothing is taken before it is used.
    Routers know each other over every link: two entries a link more.
    """
    hosts = len(plan.topology.hosts)
    heard = min(max(Segments(plan.topology).largest, _PER_HOST), _MOST_PER_HOST)
    entries = hosts * (hosts if plan.topology.static_arp else heard)
    if is_routed(plan.topology):
        entries += 2 * plan.topology.link_count
    need = min(max(1024, entries + 1024), _MOST)
    out: dict[str, int] = {}
    versions = ["ipv4"] + (["ipv6"] if plan.topology.pools.ipv6 else [])
    for version in versions:
        base = f"net.{version}.neigh.default.gc_thresh"
        out |= {f"{base}3": 2 * need, f"{base}2": need, f"{base}1": need // 2}
    return out
