"""Reasons why a cluster can't carry out a plan, found before anything is made: ours, then the workers'."""

from __future__ import annotations

import numpy as np

from emulator.engines.cluster.calls import raise_for
from emulator.engines.cluster.connection import workers_of
from emulator.engines.cluster.facts import NO_UNDERLAY
from emulator.engines.cluster.shares import NUMBER, shipment
from emulator.errors import RefusedError
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from emulator.tunnel_mtu import wide_links
from topologies.counting import counted_by_name

_REFUSE_SECONDS = 120.0


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason; the workers are asked only when nothing else is wrong."""
    reasons = [*plan.refusals(), *_parted(plan), *_without_underlay(plan), *wide_links(plan)]
    if reasons:
        raise RefusedError(reasons)
    state = NetworkState(state_root(), plan.topology.name)
    number = str(state.read().options.get(NUMBER, "")) if state.record_path.exists() else ""
    sent = shipment(plan, "")
    workers = workers_of(plan.options, plan.topology.name, sent.names, number)
    outcomes = workers.outcomes(
        "emulator.agent.lifecycle:accept", sent.arguments(), _REFUSE_SECONDS, data=sent.data
    )
    failed = {name: one.error for name, one in outcomes.items() if one.error is not None}
    if failed:
        raise_for(failed)


def _parted(plan: Plan) -> list[str]:
    """Return the hosts of VPCs that are on another worker than their compute host."""
    topology, first = plan.topology, plan.topology.underlay.node_count
    parted = first + np.flatnonzero(plan.placement[first:] != plan.placement[topology.compute_hosts])
    if not len(parted):
        return []
    which = counted_by_name(topology.names.take(parted), "host")
    return [f"{which} of VPCs placed apart from their compute hosts: place them together"]


def _without_underlay(plan: Plan) -> list[str]:
    """Return what keeps tunnels from being made, where the plan has some: found when its workers were."""
    if not plan.cut.any() or plan.underlay is not None:
        return []
    return list(plan.options.get(NO_UNDERLAY) or ["the plan has tunnels, and no `underlay` for them"])
