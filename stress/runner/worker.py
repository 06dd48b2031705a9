"""Worker: a thread that carries out operations when they are due, and records their outcomes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from emulator.errors import EmulationError, KernelError
from emulator.network import Session
from stress.actions.action_context import SkippedError, StepOverError
from stress.arrivals import MICRO
from stress.runner.columns import Columns
from stress.runner.shared_state import SharedState
from stress.runner.work_distribution import Share
from stress.runner.worker_context import NoSession, WorkerContext
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

    def __init__(self, schedule: Schedule, share: Share, shared: SharedState) -> None:
        super().__init__(name="stress-worker", daemon=True)
        self.columns = Columns(share.numbers, schedule.at[share.numbers] / MICRO)
        self.over: set[int] = set()
        """Steps (positions in the schedule) that ended early."""
        self.restored: list[str] = []
        self.failure: BaseException | None = None
        self._first = share.with_session
        self._schedule = schedule
        self._shared = shared
        self._session: Session = shared.network.session() if share.with_session else NoSession()

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
        schedule, clock, stop = self._schedule, self._shared.clock, self._shared.stop
        targets, columns = schedule.targets, self.columns
        does = [(step.action.do, step.action.VERBS, step.action.CLOSED) for step in schedule.steps]
        ends: dict[int, float] = {}
        started, finished = columns.started, columns.finished
        left = self._lasts()
        for k, (planned, step, verb, target) in enumerate(self._operations()):
            do, names, closed = does[step]
            if closed:
                columns.due[k] = max(planned, ends.get(step, 0.0))
            started[k] = self._begin(columns.due[k] if closed else planned)
            if stop.is_set():
                return
            try:
                do(context, names[verb], targets[target])
            except SkippedError as skipped:
                over = isinstance(skipped, StepOverError)
                if over:
                    self.over.add(step)
                    left.pop(step, None)
                if str(skipped) or not over:
                    columns.skipped(k, str(skipped) or "there was nothing to do")
            except (EmulationError, OSError) as error:
                columns.failed(k, error_kind(error, schedule.names[target]))
            finished[k] = clock()
            if closed:
                ends[step] = finished[k]
            columns.done = k + 1
            if self.over and all(k >= last for last in left.values()):
                return

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

    def _operations(self) -> Iterator[tuple[float, int, int, int]]:
        """Yield (seconds when due, step, verb, target) of each operation."""
        schedule, numbers = self._schedule, self.columns.numbers
        for begin in range(0, len(numbers), _BLOCK):
            some = numbers[begin : begin + _BLOCK]
            due = self.columns.due[begin : begin + _BLOCK]
            which = (column[some].tolist() for column in (schedule.step, schedule.verb, schedule.target))
            yield from zip(due, *which, strict=True)

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
