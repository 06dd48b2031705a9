"""Worker: a thread that carries out operations when they are due, and records their outcomes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from emulator.errors import EmulationError, KernelError
from emulator.network import Session
from stress.actions.action_context import SkippedError, StepOverError
from stress.actions.base import Action
from stress.arrivals import MICRO
from stress.runner.batches import Batches, Row, by_verb, light_targets
from stress.runner.columns import Columns
from stress.runner.no_session import NoSession
from stress.runner.shared_state import SharedState
from stress.runner.work_distribution import Share
from stress.runner.worker_context import WorkerContext
from stress.schedule import Schedule

_NICE = -10
"""Priority of threads in a session: measuring goes before load. Other threads start programs, which
would inherit it."""
_LONG = 0.02
"""Seconds: longer waits can be interrupted; for shorter ones that costs too much."""
_BLOCK = 4096
"""Operations converted to Python numbers at once: 85 bytes each, and a long run has millions."""


class Worker(threading.Thread):
    """Worker that carries out the operations `numbers` of a schedule, then restores its removals."""

    measures = True
    """False if its own times mean nothing, since it only follows what others do."""

    def __init__(
        self, schedule: Schedule, share: Share, shared: SharedState, session: Session | None = None
    ) -> None:
        super().__init__(name="stress-worker", daemon=True)
        self.columns = Columns(share.numbers, schedule.at[share.numbers] / MICRO)
        self.over: set[int] = set()
        """Steps (positions in the schedule) that ended early."""
        self.restored: list[str] = []
        self.failure: BaseException | None = None
        self._first = share.with_session
        self._schedule = schedule
        self._shared = shared
        own = shared.network.session if share.with_session else NoSession
        self._session: Session = own() if session is None else session

    def run(self) -> None:
        """Carry out everything; a failure stops all workers, and the thread that joins this one raises it."""
        if self._first:
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            with self._session as session:
                context = WorkerContext(self._shared, session)
                try:
                    used = np.unique(self._schedule.target[self.columns.numbers]).tolist()
                    context.prepare(self._schedule.targets[k] for k in used)
                    self._work(context)
                finally:
                    context.close()
                    self.restored = context.restore()
        except BaseException as error:  # noqa: BLE001 -- the waiting thread raises it
            self.failure = error
            self._shared.stop.set()

    def _work(self, context: WorkerContext) -> None:
        stop, columns = self._shared.stop, self.columns
        batches = Batches(self._schedule, light_targets(self._schedule))
        closed = [step.action.CLOSED for step in self._schedule.steps]
        ends: dict[int, float] = {}
        left = self._lasts()
        for first, rows in self._blocks():
            at = 0
            while at < len(rows):
                planned, step, _, _ = rows[at]
                k = first + at
                if closed[step]:
                    planned = columns.due[k] = max(planned, ends.get(step, 0.0))
                columns.started[k] = now = self._begin(planned)
                if stop.is_set():
                    return
                count = batches.length(rows, at, now)
                if count == 1:
                    self._carry_out(context, k, rows[at], left)
                else:
                    self._carry_out_all(context, k, rows[at : at + count])
                if closed[step]:
                    ends[step] = columns.finished[k]
                at += count
                columns.done = first + at
                if self.over and all(first + at > last for last in left.values()):
                    return

    def _carry_out(self, context: WorkerContext, k: int, row: Row, left: dict[int, int]) -> None:
        """Carry out one operation, at position `k`; a step that it ends isn't waited for any more."""
        columns, schedule = self.columns, self._schedule
        _, step, verb, target = row
        action = schedule.steps[step].action
        try:
            action.do(context, action.VERBS[verb], schedule.targets[target])
        except SkippedError as skipped:
            over = isinstance(skipped, StepOverError)
            if over:
                self.over.add(step)
                left.pop(step, None)
            if str(skipped) or not over:
                columns.skipped(k, str(skipped) or "there was nothing to do")
        except (EmulationError, OSError) as error:
            if self._lost_its_node(action, row, columns.started[k]):
                columns.skipped(k, "the node was removed meanwhile")
            else:
                columns.failed(k, error_kind(error, schedule.names[target]))
        columns.finished[k] = self._shared.clock()

    def _lost_its_node(self, action: Action, row: Row, started: float) -> bool:
        """Return whether another worker has removed a node in which the operation was under way.

        `ActionContext.need_node` can't tell beforehand. Of operations that change the network, those on the
        same nodes are in one worker.
        """
        topology, shared = self._shared.network.topology, self._shared
        if action.needs(topology) == "session":
            return False
        nodes = action.acts_on(topology, action.VERBS[row[2]], self._schedule.targets[row[3]])
        return any(
            node in shared.removed.nodes or shared.last_removals.get(node, -1.0) >= started for node in nodes
        )

    def _carry_out_all(self, context: WorkerContext, k: int, rows: Sequence[Row]) -> None:
        """Carry out the operations of a batch, from position `k` on: those of each verb at once."""
        schedule, columns, clock = self._schedule, self.columns, self._shared.clock
        action = schedule.steps[rows[0][1]].action
        for verb, places in by_verb(rows).items():
            started = clock()
            targets = [schedule.targets[rows[place][3]] for place in places]
            try:
                for place, words in action.do_all(context, action.VERBS[verb], targets).items():
                    columns.skipped(k + places[place], words)
            except (EmulationError, OSError) as error:
                for place in places:
                    columns.failed(k + place, error_kind(error, schedule.names[rows[place][3]]))
            columns.note_times(k + np.array(places), started, clock())

    def _begin(self, due: float) -> float:
        """Wait until `due`, or until the run is stopped; return the time."""
        clock = self._shared.clock
        now = clock()
        if now >= due:
            return now
        if due - now > _LONG:
            self._shared.stop.wait(due - now)
        else:
            time.sleep(due - now)
        return clock()

    def _blocks(self) -> Iterator[tuple[int, list[Row]]]:
        """Yield the operations in blocks, each with the position of its first."""
        schedule, numbers = self._schedule, self.columns.numbers
        for begin in range(0, len(numbers), _BLOCK):
            some = numbers[begin : begin + _BLOCK]
            due = self.columns.due[begin : begin + _BLOCK]
            which = (column[some].tolist() for column in (schedule.step, schedule.verb, schedule.target))
            yield begin, list(zip(due, *which, strict=True))

    def _lasts(self) -> dict[int, int]:
        """Return the position of the last operation of each step."""
        which = self._schedule.step[self.columns.numbers]
        return {int(step): int(np.flatnonzero(which == step)[-1]) for step in np.unique(which)}


def error_kind(error: Exception, target: str) -> str:
    """Return the kind of `error`, without its `target`: errors are counted by kind."""
    if isinstance(error, KernelError):
        words = str(error).replace(f" {error.target}", "", 1)
        return words.split(";")[0]
    if isinstance(error, OSError) and not isinstance(error, EmulationError):
        return f"{type(error).__name__}: {error.strerror}"
    lines = str(error).replace(target, "…").splitlines()
    return lines[0] if lines else type(error).__name__
