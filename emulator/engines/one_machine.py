"""Engines that make everything on this machine refuse plans that place nodes on several."""

from __future__ import annotations

from emulator.plan import Plan


def several_workers(plan: Plan, engine: str) -> list[str]:
    """Return why `engine` can't carry out a plan for several machines; nothing when it is for one."""
    count = len(plan.workers)
    if count == 1:
        return []
    words = f"the plan places its nodes on {count:,} workers, and the {engine} engine makes all of them here"
    return [f"{words}; plan with one worker (`emulator plan --workers` only computes a placement)"]
