"""Reasons why this machine can't carry a plan out, given before anything is made."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from emulator.engines.limits import too_large
from emulator.errors import RefusedError
from emulator.linux.cgroups import missing_controllers
from emulator.linux.features import fix_module, has_qdisc
from emulator.ovs.refusals import ovs_refusals
from emulator.plan import Plan
from topologies.counting import counted, counted_by_name
from topologies.profiles import Shape
from topologies.topology import Kind, Topology

BRIDGE_PORTS = 1023
"""Ports of a Linux bridge: BR_MAX_PORTS is 1 << 10, and port 0 isn't used (net/bridge/br_private.h)."""


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason why the netns engine can't carry `plan` out."""
    reasons = [
        *several_workers(plan),
        *_fidelity(plan),
        *crowded_bridges(plan),
        *_shaping(plan),
        *node_limits(plan),
        *ovs_refusals(plan),
    ]
    reasons += too_large(plan)
    if reasons:
        raise RefusedError(reasons)


def several_workers(plan: Plan) -> list[str]:
    """Return why an engine that makes all on this machine can't carry out a plan for several; or nothing."""
    count = len(plan.workers)
    if count == 1:
        return []
    words = (
        f"the plan places its nodes on {count:,} workers, and the {plan.engine} engine makes all of them here"
    )
    return [f"{words}; plan with one worker (`emulator plan --workers` only computes a placement)"]


def _fidelity(plan: Plan) -> list[str]:
    counts = plan.topology.fidelity_counts()
    return [
        f"{counted(count, 'node')} {'has' if count == 1 else 'have'} fidelity `{tier}`, "
        f"which the {plan.engine} engine can't deploy yet; use `full`, "
        f"or only plan them with `emulator plan`"
        for tier, count in counts.items()
        if tier != "full"
    ]


def crowded_bridges(plan: Plan) -> list[str]:
    """Return which of the kernel's bridges would have more ports than they can hold."""
    topology = plan.topology
    crowded = np.flatnonzero((topology.degrees > BRIDGE_PORTS) & (topology.kinds != Kind.HOST))
    return [
        f"{topology.names[node]} has {topology.degrees[node]:,} links; "
        f"a Linux bridge holds {BRIDGE_PORTS} ports: spread them over more switches"
        for node in crowded.tolist()
        if plan.forwarding.has_bridge(node) and not plan.namespaces.shared[node]
    ][:10]


def node_limits(plan: Plan) -> list[str]:
    """Return why the limits of nodes can't be held here."""
    controllers = {c for profile in plan.topology.node_profiles for c in missing_controllers(profile)}
    return [
        f"nodes have a limit on {name}: the cgroup controller `{name}` is missing; "
        f"boot a kernel and an init that mount it, or remove the limit"
        for name in sorted(controllers)
    ]


_NETEM_KEYS = ("delay", "jitter", "loss", "duplicate", "reorder", "corrupt")


def missing_shaping(shapes: Iterable[Shape]) -> list[str]:
    """Return why this kernel can't shape like `shapes`, with the fix of each missing module."""
    wanted = list(shapes)
    keys = [key for key in _NETEM_KEYS if any(getattr(shape, key) for shape in wanted)]
    rates = ["bandwidth"] if any(shape.bandwidth is not None for shape in wanted) else []
    return [
        f"{', '.join(used)}: the kernel has no sch_{kind}; {fix_module(f'sch_{kind}')}"
        for kind, used in (("netem", keys), ("tbf", rates))
        if used and has_qdisc(kind) is False
    ]


def _shaping(plan: Plan) -> list[str]:
    """Return why this machine can't shape the links of `plan`, and which links those are."""
    topology = plan.topology
    out = []
    for number, profile in enumerate(topology.link_profiles):
        reasons = missing_shaping((profile.forward, profile.backward))
        links: list[int] = np.flatnonzero(topology.link_profile == number).tolist() if reasons else []
        if links:
            out += [f"{some_links(topology, links)}: {reason}" for reason in reasons]
    return out


def some_links(topology: Topology, links: list[int]) -> str:
    """Return `link a -- b`, or `12 links (a -- b, …)`."""
    names = topology.names
    pairs = [f"{names[a]} -- {names[b]}" for a, b in topology.ends[links].tolist()]
    return f"link {pairs[0]}" if len(links) == 1 else counted_by_name(pairs, "link")
