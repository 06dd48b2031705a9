"""Operations that are due together, and are carried out at once.

A light port changes by a store into memory, and forwarding is computed for all changes of links together. So
whatever is due by now is done together, as long as no element is in it twice. Other operations wait for the
kernel one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stress.actions.base import Action
from stress.schedule import Schedule

Row = tuple[float, int, int, int]
"""(seconds when due, step, verb, target) of an operation."""


def light_targets(schedule: Schedule) -> npt.NDArray[np.bool_]:
    """Return which targets are light nodes, their ports or their links: bool[targets]."""
    topology = schedule.topology
    if not topology.light.any():
        return np.zeros(len(schedule.targets), dtype=bool)
    first = {"node": topology.full.node_count, "port": topology.full.node_count,
             "link": topology.full.link_count}  # fmt: skip
    never = len(topology.names)
    firsts = np.array([first.get(one.kind, never) for one in schedule.targets])
    return np.asarray(np.array([one.number for one in schedule.targets]) >= firsts)


class Batches:
    """Divides operations in order into batches: `light` are the targets that may be in one."""

    def __init__(self, schedule: Schedule, light: npt.NDArray[np.bool_]) -> None:
        nothing, everything = np.zeros_like(light), np.ones_like(light)

        def targets(action: Action) -> npt.NDArray[np.bool_]:
            if action.together(schedule.topology):
                return everything
            return light if action.BATCHED else nothing

        self._targets = [targets(step.action) for step in schedule.steps]

    def length(self, rows: Sequence[Row], at: int, now: float) -> int:
        """Return how many of `rows` from `at` on are to be carried out together; 1 for a single one."""
        _, step, _, target = rows[at]
        fits = self._targets[step]
        if not fits[target]:
            return 1
        seen = set()
        for end in range(at, len(rows)):
            due, other, _, target = rows[end]
            if due > now or other != step or target in seen or not fits[target]:
                return max(end - at, 1)
            seen.add(target)
        return len(rows) - at


def by_verb(rows: Sequence[Row]) -> dict[int, list[int]]:
    """Return the places of each verb's operations in a batch."""
    found: dict[int, list[int]] = {}
    for at, (_, _, verb, _) in enumerate(rows):
        found.setdefault(verb, []).append(at)
    return found
