"""Global kernel limits that a network needs raised."""

from __future__ import annotations

from emulator.plan import Plan
from topologies.segments import is_routed

_PER_HOST = 4
_MOST = 4_000_000


def global_needs(plan: Plan) -> dict[str, int]:
    """Return {sysctl: least value}.

    The neighbour table is one for all namespaces (net/core/neighbour.c): past gc_thresh3 (1,024 by
    default) new entries are refused. Four per host lets each talk to several; static ARP needs all.
    Routers know each other over every link: two entries a link more.
    """
    hosts = len(plan.topology.hosts)
    entries = hosts * hosts if plan.topology.static_arp else hosts * _PER_HOST
    if is_routed(plan.topology):
        entries += 2 * plan.topology.link_count
    need = min(max(1024, entries + 1024), _MOST)
    out: dict[str, int] = {}
    versions = ["ipv4"] + (["ipv6"] if plan.topology.pools.ipv6 else [])
    for version in versions:
        base = f"net.{version}.neigh.default.gc_thresh"
        out |= {f"{base}3": 2 * need, f"{base}2": need, f"{base}1": need // 2}
    return out
