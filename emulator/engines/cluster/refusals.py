"""Reasons why a cluster can't carry out a plan, found before anything is made: ours, then the workers'."""

from __future__ import annotations

import numpy as np

from emulator.engines.cluster.calls import raise_for
from emulator.engines.cluster.connection import carrier_of, workers_of
from emulator.engines.cluster.facts import WorkerFacts, known_facts, require_alike
from emulator.engines.cluster.shares import NUMBER, shipment
from emulator.errors import RefusedError
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from emulator.tunnel_mtu import wide_links
from topologies.counting import counted_by_name

_REFUSE_SECONDS = 120.0


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason; the workers are asked only when nothing else is wrong."""
    every = known_facts(carrier_of(plan.options), plan.options)
    require_alike(every)
    reasons = [
        *plan.refusals(),
        *_parted(plan),
        *_missing(plan, every),
        *_underlay(plan, every),
        *wide_links(plan),
    ]
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


def _missing(plan: Plan, every: list[WorkerFacts]) -> list[str]:
    there = {one.name for one in every}
    lost = [worker.name for worker in plan.workers if worker.name not in there]
    if not lost:
        return []
    return [f"{counted_by_name(lost, 'worker')} can't be reached; start it, or place the nodes elsewhere"]


def _underlay(plan: Plan, every: list[WorkerFacts]) -> list[str]:
    """Return the workers without an address for tunnels, or what else keeps tunnels from being made."""
    if not plan.cut.any() or plan.underlay is not None:
        return []
    if all(one.address for one in every):
        return ["no VNIs are free on all workers; take other networks down"]
    chosen = plan.options.get("underlay") or {}
    wanted = " ".join(f"{key} {chosen[key]}" for key in ("device", "address") if chosen.get(key))
    return [
        f"{one.name}: no device that is up has an address for tunnels"
        + (f" ({wanted})" if wanted else "")
        + "; choose another `underlay`, or give one an address"
        for one in every
        if not one.address
    ]
