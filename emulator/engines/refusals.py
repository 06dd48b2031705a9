"""Reasons to refuse a plan, independent of this machine. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from emulator.plan import Plan
from topologies.counting import counted_by_name
from topologies.profiles import Shape
from topologies.topology import Kind, Topology

BRIDGE_PORTS = 1023
"""Ports of a Linux bridge: BR_MAX_PORTS is 1 << 10, and port 0 isn't used (net/bridge/br_private.h)."""


def several_workers(plan: Plan) -> list[str]:
    """Return why an engine for one machine can't carry out a plan for several workers; empty if it can."""
    count = len(plan.workers)
    if count == 1 or plan.share is not None:
        return []
    words = (
        f"the plan places its nodes on {count:,} workers, and the {plan.engine} engine makes all of them here"
    )
    return [f"{words}; plan with one worker (`emulator plan --workers` only computes a placement)"]


def only_full(plan: Plan, title: str) -> list[str]:
    """Return the nodes that aren't full, for an engine whose nodes all are (see also `refuse_keys`)."""
    topology = plan.topology
    out = []
    for tier in topology.fidelity_counts():
        if tier != "full":
            profiles = np.array([profile.fidelity == tier for profile in topology.node_profiles])
            nodes = np.flatnonzero(profiles[topology.node_profile])
            which = counted_by_name([topology.names[node] for node in nodes.tolist()], "node")
            out.append(f"{which} of fidelity `{tier}`: all nodes of {title} are full; use `fidelity: full`")
    return out


def crowded_bridges(plan: Plan) -> list[str]:
    """Return the kernel bridges that would have more ports than a bridge can hold."""
    topology = plan.topology
    crowded = np.flatnonzero((topology.degrees > BRIDGE_PORTS) & (topology.kinds != Kind.HOST))
    return [
        f"{topology.names[node]} has {topology.degrees[node]:,} links; "
        f"a Linux bridge holds {BRIDGE_PORTS} ports: spread them over more switches"
        for node in crowded.tolist()
        if plan.here.has(node) and plan.forwarding.has_bridge(node) and not plan.namespaces.of_daemon[node]
    ][:10]


def unshapable_links(plan: Plan, unshapable: Callable[[Iterable[Shape]], list[str]]) -> list[str]:
    """Return the links with unsupported shapes, each with a reason from `unshapable`."""
    topology, wires = plan.topology, plan.here.wires
    out = []
    for number, profile in enumerate(topology.link_profiles):
        reasons = unshapable((profile.forward, profile.backward))
        links: list[int] = wires[topology.link_profile[wires] == number].tolist() if reasons else []
        if links:
            out += [f"{_some_links(topology, links)}: {reason}" for reason in reasons]
    return out


def _some_links(topology: Topology, links: list[int]) -> str:
    """Return `link a -- b`, or `12 links (a -- b, …)`."""
    names = topology.names
    pairs = [f"{names[a]} -- {names[b]}" for a, b in topology.ends[links].tolist()]
    return f"link {pairs[0]}" if len(links) == 1 else counted_by_name(pairs, "link")
