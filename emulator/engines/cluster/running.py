"""A new plan for a network that runs: its nodes stay on their workers, which keep their numbers. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emulator.engines.remote.placement import placed_as_running
from emulator.plan import Plan


def as_running(running: Plan, plan: Plan) -> Plan:
    """Return `plan` with the nodes of `running` on their workers, and its workers first.

    New nodes go beside running ones. Where a worker of `running` is missing, the plan stays as it is: it is
    refused.
    """
    ordered = _ordered(running, plan)
    if ordered is None:
        return plan
    placed = placed_as_running(running, ordered)
    mine, others = running.options.get("underlay"), placed.options.get("underlay")
    if not mine or not others:
        return placed
    return replace(placed, options={**placed.options, "underlay": {**others, "vni": mine["vni"]}})


def _ordered(running: Plan, plan: Plan) -> Plan | None:
    """Return the plan with the running workers first; None if one is missing."""
    by_name = {worker.name: number for number, worker in enumerate(plan.workers)}
    first = [worker.name for worker in running.workers]
    if any(name not in by_name for name in first):
        return None
    names = [*first, *(name for name in by_name if name not in set(first))]
    number = np.empty(len(names), dtype=np.int32)
    number[[by_name[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    workers = tuple(plan.workers[by_name[name]] for name in names)
    if workers == plan.workers:
        return plan
    return replace(plan, workers=workers, placement=number[plan.placement])
