"""The parts of a run on the workers of a cluster, as the machine of the command sees them.

All parts are sent and ready before second 0, which each gets by its own clock. Then nothing is sent any more,
unless the run is stopped. What they did comes back when they end.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from emulator.errors import BrokenError, EmulationError
from emulator.parts import Part, PartEnd, RunsParts, WorkerClock
from emulator.tasks import Plain
from stress.histogram import Histogram
from stress.records import WorkerRecord
from stress.runner.cutting import Cut, cut
from stress.runner.part import ENTRY
from stress.runner.part_data import Done, done_from, part_of
from stress.schedule import Schedule

_READY_SECONDS = 60.0
_RESTORE_SECONDS = 600.0
"""Time that parts may take after the last step, to restore everything."""
_RETURN_SECONDS = 20.0
"""Time for a lost worker to come back, and for its part to restore its changes."""
_LOOK = 0.2


class FleetResults(NamedTuple):
    """What the parts of a run did: the workers' records, names of what was restored, outcomes, reports.

    The last two are by worker; a report is [kind, what].
    """

    records: list[WorkerRecord]
    restored: list[str]
    done: dict[str, Done]
    reports: dict[str, list[Sequence[Any]]]


class Fleet:
    """The parts of a run. `stop` is set by whoever ends the run, also here when a part fails."""

    def __init__(self, schedule: Schedule, places: RunsParts, stop: threading.Event) -> None:
        self._schedule = schedule
        self._places = places
        self._stop = stop
        self._number = secrets.token_hex(8)
        self._changed = threading.Condition()
        self._ready: set[str] = set()
        self._over: set[str] = set()
        self._groups: dict[str, set[int]] = {}
        self._ends: dict[str, PartEnd] = {}
        self._clocks: Mapping[str, WorkerClock] = {}
        self.failures: dict[str, str] = {}
        self._over_steps: set[str] = set()
        self._counts: dict[str, tuple[int, int]] = {}
        self.cuts: dict[str, Cut] = cut(schedule, places)
        needs = np.array([step.action.needs(schedule.topology) for step in schedule.steps])[schedule.step]
        alone = [schedule.targets[number] for number in np.unique(schedule.target[needs == "network alone"])]
        self.links = [target.number for target in alone if target.kind == "link"]
        """Links that parts change and restore by themselves."""
        self._tag = self._number if bool((needs != "session").any()) else ""
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name="stress-part", daemon=True)
            for worker in self.cuts
        ]

    def prepare(self) -> None:
        """Measure clocks, send all parts, and wait until they are ready; raise what went wrong before."""
        self._clocks = self._places.measure_clocks()
        for thread in self._threads:
            thread.start()
        ready = self._wait(lambda: self._ready | self._over == set(self.cuts), _READY_SECONDS)
        if self.failures or not ready:
            self.end()
            late = set(self.cuts) - self._ready - self._over
            words = {**dict.fromkeys(late, f"it wasn't ready after {_READY_SECONDS:.0f} s"), **self.failures}
            raise BrokenError("\n".join(f"{worker}: {why}" for worker, why in words.items()))

    def go(self, origin: float) -> None:
        """Tell second 0, which is `origin` by the monotonic clock here."""
        self._send({worker: {"origin": origin + self._clocks[worker].ahead} for worker in self.cuts})
        threading.Thread(target=self._watch, name="stress-stop", daemon=True).start()

    def has_ended(self, group: int) -> bool:
        """Return whether no part works on this group of steps any more."""
        with self._changed:
            return all(group in self._groups.get(worker, ()) or worker in self._over for worker in self.cuts)

    def wait_for(self, group: int) -> None:
        """Wait until no part works on this group of steps any more."""
        self._wait(lambda: self.has_ended(group), None)

    def ended_early(self) -> set[int]:
        """Return the steps (positions in the schedule) that have ended early on all workers."""
        with self._changed:
            return {at for at, step in enumerate(self._schedule.steps) if step.name in self._over_steps}

    def counts(self) -> tuple[int, int]:
        """Return how many operations have been carried out and have failed so far, as the workers tell."""
        with self._changed:
            counts = self._counts.values()
            return sum(done for done, _ in counts), sum(errors for _, errors in counts)

    def end(self) -> None:
        """Have all parts end that still run, and wait until they have restored everything."""
        if not all(worker in self._over for worker in self.cuts):
            self._send({worker: {"stop": True} for worker in self.cuts})
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        until = time.monotonic() + _RETURN_SECONDS
        for worker in self.failures:
            self._await_restored(worker, until)

    def _await_restored(self, worker: str, until: float) -> None:
        """Wait until the part of a lost worker has ended: it restores its changes without the worker.

        What it did until then it has left there. Workers are started again; one that doesn't come back is
        left to those who repair the network.
        """
        while time.monotonic() < until:
            with suppress(EmulationError):
                if not self._places.is_running(worker, self._number):
                    if worker not in self._ends and (end := self._places.take_end(worker, self._number)):
                        self._ends[worker] = end
                    return
            time.sleep(_LOOK)

    def results(self) -> FleetResults:
        """Return what each worker did, restored and reported, and the outcomes."""
        after: Mapping[str, WorkerClock] = {}
        with suppress(EmulationError):
            after = self._places.measure_clocks()
        records, done, reports = [], {}, {}
        restored: dict[str, None] = {}
        for worker in self.cuts:
            clock = self._clocks[worker]
            record = WorkerRecord(worker, clock_error=clock.error, failure=self.failures.get(worker, ""))
            if worker in after:
                record.clock_drift = after[worker].ahead - clock.ahead
            if worker in self._ends:
                value, data = self._ends[worker]
                done[worker] = done_from(value["kinds"], data)
                reports[worker] = value["reports"]
                restored |= dict.fromkeys(value["restored"])
                _count(record, done[worker])
            records.append(record)
        return FleetResults(records, list(restored), done, reports)

    def _run(self, worker: str) -> None:
        plain, data = part_of(self._schedule, self.cuts[worker].numbers)
        ends = {int(node) for kind, *two, _ in plain["targets"] if kind == "flow" for node in two}
        plain["elsewhere"] = sorted(node for node in ends if self._places.worker_of(node) != worker)
        last = max(step.end for step in self._schedule.steps)
        try:
            tag = f"{self._tag}.{worker}" if self._tag else ""  # workers may see each other's processes
            part = Part(worker, ENTRY, {**plain, "tag": tag}, data)
            seconds = _READY_SECONDS + last + _RESTORE_SECONDS
            end = self._places.run_part(part, self._number, seconds, lambda told: self._told(worker, told))
        except Exception as error:  # noqa: BLE001 -- `failures` has it
            self.failures[worker] = str(error).removeprefix(f"{worker}: ") or type(error).__name__
        else:
            self._ends[worker] = end
            if end.value["failure"]:
                self.failures[worker] = end.value["failure"]
        with self._changed:
            self._over.add(worker)
            if worker in self.failures:
                self._stop.set()
            self._changed.notify_all()

    def _told(self, worker: str, told: Plain) -> None:
        with self._changed:
            if "ready" in told:
                self._ready.add(worker)
            if "ended" in told:
                self._groups.setdefault(worker, set()).add(int(told["ended"]))
                self._over_steps |= set(told["over"])
            if "done" in told:
                self._counts[worker] = int(told["done"]), int(told["errors"])
            self._changed.notify_all()

    def _watch(self) -> None:
        """Tell the parts when the run is stopped, unless all have ended before."""
        while not self._wait(lambda: self._over == set(self.cuts), 0.0):
            if self._stop.wait(_LOOK):
                self._send({worker: {"stop": True} for worker in self.cuts if worker not in self._over})
                return

    def _send(self, messages: Mapping[str, Mapping[str, Plain]]) -> None:
        """Send messages to parts; the call of one that is lost says so itself."""
        for worker, message in messages.items():
            with suppress(EmulationError):
                self._places.send(worker, self._number, message)

    def _wait(self, is_true: Callable[[], bool], seconds: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(is_true, seconds)


def _count(record: WorkerRecord, done: Done) -> None:
    """Count what a worker did. What had nothing to do was late as well."""
    record.operations = len(done.place)
    failed = np.array([bool(error) for error, _ in done.kinds])
    record.errors = int(np.count_nonzero(failed[done.kind]))
    record.lateness = Histogram(done.started - done.due)
