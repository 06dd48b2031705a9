"""What the netns engine can't do here, said before anything is made."""

from __future__ import annotations

import numpy as np

from emulator.errors import RefusedError
from emulator.plan import Plan
from topologies.topology import Kind

BRIDGE_PORTS = 1023
"""Ports of a Linux bridge: BR_MAX_PORTS is 1 << 10, and port 0 isn't used (net/bridge/br_private.h)."""


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason why `plan` can't be carried out."""
    reasons = [*_fidelity(plan), *_ports(plan)]
    if reasons:
        raise RefusedError(reasons)


def _fidelity(plan: Plan) -> list[str]:
    counts = plan.topology.fidelity_counts()
    return [
        f"{count:,} nodes have fidelity `{tier}`, which the netns engine can't deploy yet; use `full`, "
        f"or look at them with `emulator plan`"
        for tier, count in counts.items()
        if tier != "full"
    ]


def _ports(plan: Plan) -> list[str]:
    topology = plan.topology
    crowded = np.flatnonzero((topology.degrees > BRIDGE_PORTS) & (topology.kinds != Kind.HOST))
    return [
        f"{topology.names[node]} has {topology.degrees[node]:,} links; a Linux bridge holds {BRIDGE_PORTS} ports: "
        f"spread them over more switches"
        for node in crowded[:10].tolist()
    ]
