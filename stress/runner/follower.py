"""Follower: stands for the parts elsewhere where the runner expects a worker of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emulator.errors import BrokenError
from stress.arrivals import MICRO
from stress.joined_reports import joined_reports
from stress.records import RunResult
from stress.runner.cutting import Cut
from stress.runner.fleet import Fleet
from stress.runner.merging import merged
from stress.runner.no_session import NoSession
from stress.runner.part_data import Done
from stress.runner.shared_state import SharedState
from stress.runner.work_distribution import Share
from stress.runner.worker import Worker
from stress.schedule import Schedule

Ints = npt.NDArray[np.int64]


class Follower(Worker):
    """Worker for the operations of one group, which parts carry out; it lasts as long as they do."""

    measures = False

    def __init__(self, schedule: Schedule, numbers: Ints, shared: SharedState, fleet: Fleet) -> None:
        super().__init__(schedule, Share(numbers, with_session=False), shared, NoSession())
        (group,) = {schedule.steps[step].group for step in np.unique(schedule.step[numbers])}
        self._numbers = numbers
        self._fleet = fleet
        self._group = group

    def run(self) -> None:
        """Wait until no part works on this group any more."""
        self._fleet.wait_for(self._group)
        self.over = self._fleet.ended_early()

    def take(self, parts: list[tuple[Cut, Done]]) -> None:
        """Take the outcomes from the parts."""
        mine = np.zeros(len(self._schedule), dtype=bool)
        mine[self._numbers] = True
        some = [(cut, _of(done, mine[cut.numbers[done.place]])) for cut, done in parts]
        self.columns = merged(self._numbers, self._schedule.at[self._numbers] / MICRO, some)


def _of(done: Done, some: npt.NDArray[np.bool_]) -> Done:
    place, due, started, finished, kind, kinds = done
    return Done(place[some], due[some], started[some], finished[some], kind[some], kinds)


def prepared(schedule: Schedule, shared: SharedState) -> Fleet | None:
    """Return the parts of the run that workers carry out, all ready; None where this machine does all."""
    places = shared.network.access.places
    if places is None:
        return None
    fleet = Fleet(schedule, places, shared.stop)
    fleet.prepare()
    return fleet


def end_parts(fleet: Fleet, finished: Sequence[Worker], result: RunResult, shared: SharedState) -> None:
    """Wait until all parts have restored their changes; take what they did. Raise why one ended early.

    Links that a part which ended early may have left changed stay in the journal.
    """
    fleet.end()
    if not fleet.failures:
        for link in fleet.links:
            shared.journal.note_restored(link)
    found = fleet.results()
    result.workers = found.records
    result.restored += found.restored
    shared.reports += joined_reports(found.reports)
    for worker in finished:
        if isinstance(worker, Follower):
            worker.take([(fleet.cuts[name], done) for name, done in found.done.items()])
    if fleet.failures:
        raise BrokenError("\n".join(f"{name}: {why}" for name, why in fleet.failures.items()))
