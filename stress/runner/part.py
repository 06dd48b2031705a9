"""A worker's part of a run: it carries out its operations by its own clock, and restores its changes.

It runs on the worker, in a process of its own (`emulator.parts`). It says when it is ready, waits for second
0 of the run, and tells how far it is. It ends early when it is told to, when nobody waits for it any more, or
when the network was taken down.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emulator.errors import EmulationError
from emulator.network import Network
from emulator.parts import PartControl
from emulator.process_tags import end_tagged
from stress.journal import Journal
from stress.runner.context import Tidier, quiet_python
from stress.runner.part_data import done_of, schedule_of
from stress.runner.restoring import restore_links
from stress.runner.shared_state import SharedState
from stress.runner.work_distribution import shares
from stress.runner.worker import Worker
from stress.schedule import Schedule

ENTRY = "stress.runner.part:run_part"

_LOOK = 0.05
_TELL_EVERY = 0.5
_PATIENCE = 300.0
"""Seconds to wait for second 0."""


def run_part(
    network: Network, arguments: Mapping[str, Any], data: bytes, control: PartControl
) -> tuple[dict[str, Any], bytes]:
    """Carry out a part; return its restored elements, the failure that ended it, and what was done."""
    schedule = schedule_of(arguments, data, network.topology)
    with quiet_python():
        control.tell({"ready": True})
        origin = _origin(control)
        if origin is None:
            return {"restored": [], "failure": "", "kinds": [], "reports": []}, done_of([])[1]
        journal = Journal(None, network.link_changes)
        shared = SharedState(
            network, lambda: time.monotonic() - origin, journal, tag=_tag(arguments),
            elsewhere=frozenset(arguments["elsewhere"]),
        )  # fmt: skip
        part = _Part(schedule, shared, control)
        try:
            part.carry_out()
        finally:
            part.end()
        kinds, done = done_of([worker.columns for worker in part.workers])
    restored = [*part.restored, *(name for worker in part.workers for name in worker.restored)]
    reports = [list(report) for report in shared.reports]
    return {"restored": restored, "failure": part.failure, "kinds": kinds, "reports": reports}, done


def _tag(arguments: Mapping[str, Any]) -> Path | None:
    """Return the tag of the part's commands; None if it has none to start."""
    return Path("/stress") / str(arguments["tag"]) if arguments["tag"] else None


def _origin(control: PartControl) -> float | None:
    """Return second 0 by this machine's monotonic clock; None when the run doesn't begin."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and not (control.is_unwanted or control.is_lost):
        message = control.message or {}
        if message.get("stop"):
            return None
        if "origin" in message:
            return float(message["origin"])
        time.sleep(_LOOK / 5)
    return None


class _Part:
    def __init__(self, schedule: Schedule, shared: SharedState, control: PartControl) -> None:
        self._schedule = schedule
        self._shared = shared
        self._control = control
        self._tidier = Tidier()
        self._told = 0.0
        self.workers: list[Worker] = []
        self.restored: list[str] = []
        self.failure = ""

    def carry_out(self) -> None:
        """Carry out the groups of steps, one after the other."""
        groups = np.array([step.group for step in self._schedule.steps])[self._schedule.step]
        for group in np.unique(groups).tolist():
            if self._shared.stop.is_set():
                return
            found = shares(self._schedule, np.flatnonzero(groups == group))
            workers = [Worker(self._schedule, share, self._shared) for share in found]
            self.workers += workers
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive():
                    worker.join(_LOOK)
                    self._look()
            over = [self._schedule.steps[step].name for worker in workers for step in worker.over]
            self._control.tell({"ended": group, "over": over, **self._counts()})
            self._note()

    def end(self) -> None:
        """Stop, and wait until everything is restored, whatever happened."""
        self._shared.stop.set()
        for worker in self.workers:
            worker.join()
        self._note()
        self._end_commands()
        if self._control.is_lost:
            return
        names, failure = restore_links(self._shared)
        self.restored += names
        if failure is not None:
            self.failure = self.failure or _words(failure)

    def _end_commands(self) -> None:
        """End the commands of this part in nodes, and all processes that they left."""
        self.restored += [f"`{words}` is ended" for words in end_tagged(self._shared.tag)]

    def _note(self) -> None:
        for worker in self.workers:
            if worker.failure is not None and not self.failure:
                self.failure = _words(worker.failure)

    def _look(self) -> None:
        control, stop = self._control, self._shared.stop
        if control.is_lost or control.is_unwanted or (control.message or {}).get("stop"):
            stop.set()
        if stop.is_set():
            self._end_commands()  # don't wait for a long one
        self._tidier.tidy()
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            control.tell(self._counts())

    def _counts(self) -> dict[str, int]:
        columns = [worker.columns for worker in self.workers]
        return {"done": sum(one.done for one in columns), "errors": sum(one.errors for one in columns)}


def _words(error: BaseException) -> str:
    words = str(error).strip() or "no more is known"
    return words if isinstance(error, EmulationError) else f"{type(error).__name__}: {words}"
