"""Follower: a worker here that follows what parts elsewhere do, so that actions here know what is removed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emulator.errors import BrokenError
from stress.arrivals import MICRO
from stress.journal import Journal
from stress.records import RunResult
from stress.runner.batches import Row
from stress.runner.cutting import Cut
from stress.runner.fleet import Fleet
from stress.runner.merging import merged
from stress.runner.no_session import FollowingSession
from stress.runner.part_data import Done
from stress.runner.shared_state import SharedState
from stress.runner.work_distribution import Share
from stress.runner.worker import Worker
from stress.runner.worker_context import WorkerContext
from stress.schedule import Schedule

Ints = npt.NDArray[np.int64]


class Follower(Worker):
    """Worker for the operations of one group that parts carry out; it lasts as long as they do."""

    measures = False

    def __init__(self, schedule: Schedule, numbers: Ints, shared: SharedState, fleet: Fleet) -> None:
        super().__init__(schedule, Share(numbers, with_session=False), shared, FollowingSession())
        (group,) = {schedule.steps[step].group for step in np.unique(schedule.step[numbers])}
        self._numbers = numbers
        self._fleet = fleet
        self._group = group

    def run(self) -> None:
        """Follow the schedule, then wait until no part works on this group any more."""
        super().run()
        self._fleet.wait_for(self._group)

    def _carry_out(self, context: WorkerContext, k: int, row: Row, left: dict[int, int]) -> None:
        """Follow one operation of a session; others remove nothing."""
        if self._is_of_session(row):
            super()._carry_out(context, k, row, left)

    def _carry_out_all(self, context: WorkerContext, k: int, rows: Sequence[Row]) -> None:
        """Follow the operations of a batch if they are of a session."""
        if self._is_of_session(rows[0]):
            super()._carry_out_all(context, k, rows)

    def _is_of_session(self, row: Row) -> bool:
        return self._schedule.steps[row[1]].action.needs(self._schedule.topology) == "session"

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


def following(
    fleet: Fleet | None, schedule: Schedule, mine: npt.NDArray[np.bool_], shared: SharedState
) -> tuple[list[Follower], Ints]:
    """Return what follows the parts among the operations `mine` (bool[n]), and the numbers of the others."""
    if fleet is None:
        return [], np.flatnonzero(mine)
    away = np.flatnonzero(mine & fleet.away)
    followers = [Follower(schedule, away, shared, fleet)] if len(away) else []
    return followers, np.flatnonzero(mine & ~fleet.away)


def end_parts(fleet: Fleet, finished: Sequence[Worker], result: RunResult, journal: Journal) -> None:
    """Wait until all parts have restored their changes; take what they did. Raise why one ended early.

    Links that a part which ended early may have left changed stay in the journal.
    """
    fleet.end()
    if not fleet.failures:
        for link in fleet.links:
            journal.note_restored(link)
    result.workers, restored, done = fleet.results()
    result.restored += restored
    for worker in finished:
        if isinstance(worker, Follower):
            worker.take([(fleet.cuts[name], found) for name, found in done.items()])
    if fleet.failures:
        raise BrokenError("\n".join(f"{name}: {why}" for name, why in fleet.failures.items()))
