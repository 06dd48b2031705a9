"""Cutting a schedule by worker: who carries out each operation, and whose outcome counts. Pure.

An operation concerns all workers that have an end of what it changes: both of a tunnel, with a node those of
its neighbours. A light port is in the maps of all. Each of them sees all operations on such an element, in
their order, and so all agree on what is removed; one, which has the element itself, tells the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.tasks import Places
from stress.schedule import Schedule
from stress.targets import Target

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """Operations of a schedule by worker: numbers, and which of them this worker tells the outcome of."""

    numbers: Ints
    tells: Bools


def runs_away(schedule: Schedule) -> Bools:
    """Return which operations run on workers: those of sessions, unless one waits for the other: bool[n]."""
    steps = [
        step.action.needs(schedule.topology) == "session" and not step.action.CLOSED
        for step in schedule.steps
    ]
    return np.asarray(np.array(steps, dtype=bool)[schedule.step])


def cut(schedule: Schedule, numbers: Ints, places: Places) -> dict[str, Cut]:
    """Divide the operations `numbers` by worker; workers without any are left out."""
    rank = {name: number for number, name in enumerate(places.workers)}
    concerned = np.zeros((len(rank), len(schedule.targets)), dtype=bool)
    first = np.zeros(len(schedule.targets), dtype=np.int64)
    for number in np.unique(schedule.target[numbers]).tolist():
        names = _workers_of(schedule, schedule.targets[number], places)
        first[number] = rank[names[0]]
        concerned[[rank[name] for name in names], number] = True
    target = schedule.target[numbers]
    found = {}
    for name, worker in rank.items():
        mine = concerned[worker][target]
        if mine.any():
            found[name] = Cut(numbers[mine], (first[target] == worker)[mine])
    return found


def _workers_of(schedule: Schedule, target: Target, places: Places) -> list[str]:
    """Return the workers that an operation on `target` concerns; the first one tells its outcome."""
    topology = schedule.topology
    if target.kind == "vpc":
        return list(places.workers)
    if target.kind == "link":
        nodes = topology.ends[target.number].tolist()
    elif target.kind == "node":
        others = [int(topology.ends[end.link, 1 - end.end]) for end in topology.incident(target.number)]
        nodes = [target.number, *others]
    else:
        nodes = [target.number]
    of_ends = [places.worker_of(node) for node in nodes]
    if any(topology.light[node] for node in nodes) or target.kind == "move":
        of_ends += places.workers
    return list(dict.fromkeys(of_ends))
