"""Supervisor of a network's services: one process, which lives in the network and ends with it.

SIGHUP makes it read the plan again; SIGTERM makes it end all services, and then itself. What it says is in
`ServiceFolder.read`. One that was killed is replaced by the next `up`, which adopts running services.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from types import FrameType

from emulator.services.folder import ENDED, FAILED, ServiceFolder, Status
from emulator.services.service_run import ServiceRun, Starter
from emulator.services.wanted import Wanted, by_node

_SOON, _LATER = 0.03, 2.0
"""Seconds between two looks, while something is about to happen, and otherwise."""
_GRACE = 2.0
"""Seconds that services have to end by themselves."""


class Supervisor:
    """Leads the services to what `load()` returns, which is called at the start and at each SIGHUP."""

    def __init__(self, folder: ServiceFolder, starter: Starter, load: Callable[[], Sequence[Wanted]]) -> None:
        self._folder, self._starter, self._load = folder, starter, load
        self._nodes: dict[str, list[ServiceRun]] = {}
        self._request = 0
        self._ending = self._reread = False
        self._said: object = None

    def run(self) -> None:
        """Work until SIGTERM."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._heard)
        self._follow()
        looked = time.monotonic()
        while not self._ending:
            if self._reread:
                self._reread = False
                self._follow()
            now = time.monotonic()
            if now - looked > _LATER:
                looked = now
                self._look_at_nodes()
            busy = self._step(now)
            self._say()
            select.select([reader], [], [], _SOON if busy else _LATER)
            with suppress(BlockingIOError):
                os.read(reader, 4096)
        self._end_all()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._ending |= number in {signal.SIGTERM, signal.SIGINT}
        self._reread |= number == signal.SIGHUP

    def _follow(self) -> None:
        """Follow the plan: end what it has no more, keep what is the same, begin the rest."""
        request, before = self._folder.requested(), self._folder.read()[1]
        known = {status.key: status for status in before}
        running = {run.wanted.key: run for runs in self._nodes.values() for run in runs}
        wanted = by_node(self._load())
        staying = {each.key: each for some in wanted.values() for each in some}
        for key, run in running.items():
            if key not in staying or staying[key].digest != run.wanted.digest:
                run.end()
        for key, status in known.items():  # of a supervisor that has ended
            gone = key not in staying or staying[key].digest != status.digest
            if key not in running and gone and status.process is not None:
                with suppress(TimeoutError):
                    status.process.stop()
        self._nodes = {
            node: [self._of(each, running.get(each.key), known) for each in some]
            for node, some in wanted.items()
        }
        self._look_at_nodes()
        for runs in self._nodes.values():
            for run in runs:
                if run.status.state in {ENDED, FAILED}:
                    run.again()
        self._request = request

    def _of(self, wanted: Wanted, old: ServiceRun | None, known: dict[tuple[str, str], Status]) -> ServiceRun:
        if old is not None and old.wanted.digest == wanted.digest:
            old.wanted = wanted  # its node may have another number
            return old
        run = ServiceRun(wanted, self._folder, self._starter)
        status = known.get(wanted.key) if old is None else None
        if status is not None and status.digest == wanted.digest:
            run.adopt(status)
        return run

    def _look_at_nodes(self) -> None:
        """Begin again in nodes that were made again; keep logs small."""
        first = [runs[0].wanted for runs in self._nodes.values()]
        for runs, namespace in zip(self._nodes.values(), self._starter.namespaces(first), strict=True):
            others = any(run.status.namespace not in {0, namespace} for run in runs)
            if namespace and others:
                for run in reversed(runs):
                    run.again()
            for run in runs:
                run.trim_log()

    def _step(self, now: float) -> bool:
        """Lead all services on; return whether something will happen soon."""
        for runs in self._nodes.values():
            runs[0].step(now, may_start=True)
            for before, run in pairwise(runs):
                run.step(now, may_start=before.passed)
        return any(self._busy(runs) for runs in self._nodes.values())

    @staticmethod
    def _busy(runs: Sequence[ServiceRun]) -> bool:
        """Return whether a service of a node will change soon: one that waits for a failed one won't."""
        for run in runs:
            if run.busy:
                return True
            if not run.passed:
                return False
        return False

    def _say(self) -> None:
        said = (self._request, [run.status for runs in self._nodes.values() for run in runs])
        if said != self._said:
            self._folder.write(*said)
            self._said = said

    def _end_all(self) -> None:
        runs = [run for runs in self._nodes.values() for run in reversed(runs)]
        for run in runs:
            run.signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while time.monotonic() < deadline and any(
            run.status.process is not None and run.status.process.running for run in runs
        ):
            time.sleep(_SOON)
