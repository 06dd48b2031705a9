"""A worker: one thread that does its operations when they are due, and notes what became of them."""

from __future__ import annotations

import os
import threading
import time
from array import array
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from emulator.errors import EmulationError, KernelError
from emulator.network import Session
from stress.actions.base import SkippedError, StepOverError
from stress.arrivals import MICRO
from stress.runner.hands import NoSession, Shared, WorkerHands
from stress.runner.sharing import Share
from stress.schedule import Schedule

Ints = npt.NDArray[np.int64]

_NICE = -10
"""Of threads in a session: what measures a machine goes before what keeps the machine busy. The
others start programs, which would inherit it."""
_LONG = 0.02
"""Seconds: longer waits can be interrupted; shorter ones aren't worth what that costs."""


class Worker(threading.Thread):
    """Does the operations `numbers` of a schedule, then gives back what it took away."""

    def __init__(self, schedule: Schedule, share: Share, shared: Shared) -> None:
        super().__init__(name="stress-worker", daemon=True)
        numbers = share.numbers
        self.numbers = numbers
        self.started = array("d", bytes(8 * len(numbers)))
        self.finished = array("d", bytes(8 * len(numbers)))
        self.errors: dict[int, str] = {}
        """Operation (position in `numbers`) -> kind of error."""
        self.skipped: dict[int, str] = {}
        self.done = 0
        self.over: set[int] = set()
        """Steps (positions in the schedule's) that ended themselves."""
        self.restored: list[str] = []
        self.failure: BaseException | None = None
        self._things: Ints = schedule.thing[numbers]
        self._first = share.with_session
        self._schedule = schedule
        self._shared = shared
        self._session: Session = shared.network.session() if share.with_session else NoSession()

    def run(self) -> None:
        """Do everything; a failure stops all workers, and is raised by who joins this one."""
        if self._first:
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            with self._session as session:
                hands = WorkerHands(self._shared, session)
                try:
                    hands.prepare(self._schedule.things[k] for k in np.unique(self._things).tolist())
                    self._work(hands)
                finally:
                    hands.close()
                    self.restored = hands.restore()
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits
            self.failure = error
            self._shared.stop.set()

    def _work(self, hands: WorkerHands) -> None:
        schedule, clock, stop = self._schedule, self._shared.clock, self._shared.stop
        due_at = (schedule.at[self.numbers] / MICRO).tolist()
        steps, things = schedule.steps, schedule.things
        does = [(step.action.do, step.action.VERBS) for step in steps]
        which = schedule.step[self.numbers].tolist()
        verbs = schedule.verb[self.numbers].tolist()
        targets = self._things.tolist()
        started, finished = self.started, self.finished
        last = {step: k for k, step in enumerate(which)}
        for k, due in enumerate(due_at):
            now = clock()
            if now < due:
                if due - now > _LONG:
                    stop.wait(due - now)
                else:
                    time.sleep(due - now)
                now = clock()
            if stop.is_set():
                return
            do, names = does[which[k]]
            started[k] = now
            try:
                do(hands, names[verbs[k]], things[targets[k]])
            except SkippedError as skipped:
                self.skipped[k] = str(skipped)
                if isinstance(skipped, StepOverError):
                    self.over.add(which[k])
            except (EmulationError, OSError) as error:
                self.errors[k] = error_kind(error, schedule.names[targets[k]])
            finished[k] = clock()
            self.done = k + 1
            if self.over and all(k >= last[step] for step in last.keys() - self.over):
                return


def error_kind(error: Exception, target: str) -> str:
    """Return what `error` is, without the `target` it happened to: errors are counted by it."""
    if isinstance(error, KernelError):
        words = str(error).replace(f" {error.target}", "", 1)
        return words.split(";")[0]
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}"
    lines = str(error).replace(target, "…").splitlines()
    return lines[0] if lines else type(error).__name__
