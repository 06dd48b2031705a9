"""Reasons why MaxiNet can't carry out a plan, each naming the node or link. Pure: no worker is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emulator.engines.driven.node_lines import is_switch
from emulator.engines.refusals import crowded_bridges
from emulator.plan import Plan
from topologies.counting import counted_by_name
from topologies.topology import Kind

MOST_NODES = 8186
"""Nodes of a worker: Mininet holds two terminal descriptors for each (mininet issue 788)."""


def refusals(plan: Plan) -> list[str]:
    """Return every reason why MaxiNet can't carry `plan` out."""
    return [
        *_split_nodes(plan),
        *_parallel_tunnels(plan),
        *_hosts_alone(plan),
        *_sizes(plan),
        *crowded_bridges(plan),
    ]


def link_words(plan: Plan, link: int) -> str:
    """Return a link with the workers of its ends: `h1 (w1) -- s2 (w2)`."""
    ends = plan.topology.ends[link].tolist()
    return " -- ".join(
        f"{plan.topology.names[node]} ({plan.workers[plan.placement[node]].name})" for node in ends
    )


def _split_nodes(plan: Plan) -> Iterator[str]:
    """Yield links to other workers that end at a host or router: MaxiNet's tunnels join switches only.

    MaxiNet would move the host to the worker of one of its switches, and lose its other ports.
    """
    seen = set()
    for link in np.flatnonzero(plan.cut).tolist():
        for node in plan.topology.ends[link].tolist():
            if is_switch(plan, node) or node in seen:
                continue
            seen.add(node)
            name, kind = plan.topology.names[node], Kind(plan.topology.kinds[node]).name.lower()
            yield (
                f"link {link_words(plan, link)}: MaxiNet's tunnels join switches only, so the {kind} {name} "
                f"must be on the worker of all its neighbours; use fewer workers, or a switch between them"
            )


def _parallel_tunnels(plan: Plan) -> Iterator[str]:
    """Yield pairs of switches on different workers with several links: MaxiNet knows the last one only."""
    links: dict[tuple[int, int], list[int]] = {}
    for link in np.flatnonzero(plan.cut).tolist():
        a, b = sorted(plan.topology.ends[link].tolist())
        links.setdefault((a, b), []).append(link)
    for several in links.values():
        if len(several) > 1:
            yield (
                f"{len(several)} links {link_words(plan, several[0])}: MaxiNet has one tunnel for two "
                f"switches; leave one link, or use one worker"
            )


def _hosts_alone(plan: Plan) -> Iterator[str]:
    """Yield hosts without a link, when the network is split: MaxiNet drops them."""
    alone = np.flatnonzero((plan.topology.degrees == 0) & (plan.topology.kinds == Kind.HOST)).tolist()
    if alone and len(plan.workers) > 1:
        names = plan.topology.names.take(np.array(alone))
        yield f"{counted_by_name(names, 'host')} without a link: MaxiNet drops them; link them to a switch"


def _sizes(plan: Plan) -> Iterator[str]:
    for worker, count in zip(plan.workers, plan.counts.nodes.tolist(), strict=True):
        if count > MOST_NODES:
            yield (
                f"{worker.name} would get {count:,} nodes; Mininet ends at {MOST_NODES + 1:,} on a machine "
                f"(mininet issue 788): use more workers"
            )
