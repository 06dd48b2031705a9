"""Limits of this machine: raise those that a network needs, and refuse networks that exceed the others."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from emulator.errors import EmulationError
from emulator.forecast import node_bytes
from emulator.linux.cgroups import missing_controllers
from emulator.linux.machine.resources import available_memory, limit, mount_count
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from topologies.counting import size_text
from topologies.engines import ENGINES
from topologies.segments import Segments, is_routed
from topologies.topology import Kind

_PER_HOST, _MOST_PER_HOST = 4, 64
_MOST = 4_000_000

BACKLOG = "net.core.netdev_max_backlog"
"""Frames in a processor's backlog queue; there is one queue per processor, for all namespaces together."""
_FLOODS, _LEAST_FLOODS = 64, 8
_MOST_FRAMES = 1_000_000
"""Limit of the backlog. A copy of a frame takes 256 B (struct sk_buff): this many take 0.25 GB."""
_OTHER_MOUNTS = 16
"""Mounts of a network besides one per node, including spares for commands in nodes."""


def global_needs(plan: Plan) -> dict[str, int]:
    """Return {sysctl: least value}."""
    return _neighbours(plan) | {BACKLOG: _frames(Segments(plan.topology.underlay).largest)}


def _frames(links: int) -> int:
    """Return the length of the queue for frames if a broadcast crosses this many links.

    A bridge puts all copies of a broadcast into the kernel's queue at once. The bridges behind it do so
    before the first host has received its copy. The kernel drops frames beyond netdev_max_backlog (1,000 by
    default) silently (net/core/dev.c, enqueue_to_backlog), and always for the same ports. So the queue holds
    64 broadcasts at a time, or fewer if a large domain would need too much memory.
    """
    floods = min(_FLOODS, _MOST_FRAMES // max(links, 1))
    return links * max(floods, _LEAST_FLOODS)


def _neighbours(plan: Plan) -> dict[str, int]:
    """Return the thresholds of the neighbour tables.

    The neighbour table is shared by all namespaces (net/core/neighbour.c). Beyond gc_thresh3 (1,024 by
    default) the kernel refuses new entries, for hosts of other networks as well. The forecast is that a
    host talks to 64 others of its broadcast domain, or to all of a smaller one; static ARP needs all. The
    kernel uses no memory for unused entries. Routers know each other over every link: two more entries per
    link.
    """
    hosts = int(np.count_nonzero(plan.topology.kinds[plan.here.nodes] == Kind.HOST))
    heard = min(max(Segments(plan.topology.underlay).largest, _PER_HOST), _MOST_PER_HOST)
    entries = hosts * (hosts if plan.topology.static_arp else heard)
    if is_routed(plan.topology):
        entries += 2 * len(plan.here.wires)
    need = min(max(1024, entries + 1024), _MOST)
    out: dict[str, int] = {}
    versions = ["ipv4"] + (["ipv6"] if plan.topology.pools.ipv6 else [])
    for version in versions:
        base = f"net.{version}.neigh.default.gc_thresh"
        out |= {f"{base}3": 2 * need, f"{base}2": need, f"{base}1": need // 2}
    return out


def too_large(plan: Plan) -> list[str]:
    """Return every reason why this machine can't hold `plan`: the need, and the available amount."""
    return [*_memory(plan), *_limits(plan)]


def _memory(plan: Plan) -> list[str]:
    available = available_memory()
    memory = plan.counts.memory
    planned = memory.sum() if plan.share is None else memory[plan.share]
    need = int(planned) - running_bytes(plan.topology.name)
    if available is None or need <= available:
        return []
    fix = "use a smaller network, or check with `emulator plan FILE --workers N` how many machines it needs"
    return [f"needs {size_text(need)}, this machine has {size_text(available)} available: {fix}"]


def running_bytes(name: str) -> int:
    """Return the forecast of the memory that the network `name` uses already, in bytes; 0 when it isn't up.

    `up` of a running network needs memory for the difference only.
    """
    state = NetworkState(state_root(), name)
    with suppress(EmulationError):
        record = state.read()
        row = ENGINES.get(record.engine)
        if record.share is not None:
            return int(state.load_plan(record, state.load()).counts.memory[record.share])
        if row is None or not row.simulated:
            return int(node_bytes(state.load(), engine=record.engine).sum())
    return 0


def missing_node_limits(plan: Plan) -> list[str]:
    """Return why this machine can't enforce the limits of nodes."""
    controllers = {c for profile in plan.topology.node_profiles for c in missing_controllers(profile)}
    return [
        f"nodes have a limit on {name}: the cgroup controller `{name}` is missing; "
        f"boot a kernel and an init that mount it, or remove the limit"
        for name in sorted(controllers)
    ]


def _limits(plan: Plan) -> list[str]:
    is_full = np.array([profile.fidelity == "full" for profile in plan.topology.node_profiles], dtype=bool)
    full = int(np.count_nonzero(is_full[plan.topology.node_profile[plan.here.nodes]]))
    needs = {
        "fs.mount-max": (full + mount_count() + _OTHER_MOUNTS, "mounts in a mount namespace"),
        "user.max_net_namespaces": (full, "network namespaces"),
    }
    out = []
    for name, (need, what) in needs.items():
        most = limit(name)
        if full and most is not None and need > most:
            out.append(
                f"needs {need:,} {what}, the kernel allows {most:,}; `sysctl -w {name}={_rounded(need)}`"
            )
    return out


def _rounded(need: int) -> int:
    """Return the next power of two: it leaves room for other networks."""
    return 1 << need.bit_length()
