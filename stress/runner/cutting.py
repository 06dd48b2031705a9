"""Cutting a schedule by worker: who carries out each operation, and whose outcome counts. Pure.

Each action knows which nodes an operation acts on: both ends of a tunnel, with a node its neighbours. Changes
of forwarding and of light ports concern all workers. Each of them sees all operations on such an element, in
their order, and so all agree on what is removed; one, which has the element itself, tells the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.tasks import Places
from stress.actions.base import Action
from stress.schedule import Schedule
from stress.targets import Target

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """Operations of a schedule by worker: numbers, and which of them this worker tells the outcome of."""

    numbers: Ints
    tells: Bools


def cut(schedule: Schedule, places: Places) -> dict[str, Cut]:
    """Divide the operations by worker; workers without any are left out."""
    numbers = np.arange(len(schedule), dtype=np.int64)
    rank = {name: number for number, name in enumerate(places.workers)}
    concerned = np.zeros((len(rank), len(numbers)), dtype=bool)
    first = np.zeros(len(numbers), dtype=np.int64)
    count = len(schedule.targets)
    for number in np.unique(schedule.step[numbers]).tolist():
        action = schedule.steps[number].action
        mine = np.flatnonzero(schedule.step[numbers] == number)
        keys = schedule.verb[numbers[mine]].astype(np.int64) * count + schedule.target[numbers[mine]]
        some, inverse = np.unique(keys, return_inverse=True)
        by = np.zeros((len(rank), len(some)), dtype=bool)
        leads = np.zeros(len(some), dtype=np.int64)
        for at, key in enumerate(some.tolist()):
            verb, target = divmod(key, count)
            where = _workers_of(schedule, action, action.VERBS[verb], schedule.targets[target], places)
            leads[at] = rank[where[0]]
            by[[rank[name] for name in where], at] = True
        concerned[:, mine], first[mine] = by[:, inverse], leads[inverse]
    return {
        name: Cut(numbers[concerned[worker]], (first == worker)[concerned[worker]])
        for name, worker in rank.items()
        if concerned[worker].any()
    }


def _workers_of(schedule: Schedule, action: Action, verb: str, target: Target, places: Places) -> list[str]:
    """Return the workers that carry out an operation; the first one tells its outcome."""
    topology = schedule.topology
    found = [places.worker_of(node) for node in action.acts_on(topology, verb, target)]
    if action.acts_everywhere(topology, verb, target):
        found += places.workers
    return list(dict.fromkeys(found))
