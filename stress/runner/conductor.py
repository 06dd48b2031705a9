"""Run a scenario: warmup, steps, all things given back, cooldown, the look for leaks.

In this order, whatever happens: a failed action, Ctrl-C and SIGTERM only make the steps end early.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emulator.errors import EmulationError
from emulator.network import Network
from stress.actions.base import Growth
from stress.machine import machine_facts
from stress.records import LeakCheck, Outcome, Phase, RunRecord
from stress.recover import Journal
from stress.runner.context import quiet_python, stopping
from stress.runner.facts import network_facts, scenario_facts
from stress.runner.hands import Shared
from stress.runner.observers import Observers
from stress.runner.sharing import shares
from stress.runner.truth import Processor, doubts
from stress.runner.worker import Worker
from stress.scenario.load import Document
from stress.schedule import Schedule

_LOOK = 0.2


@dataclass
class Watch:
    """What a live view may look at while the run goes on."""

    schedule: Schedule
    clock: Callable[[], float]
    phase: str = "begin"
    end: float = 0.0
    workers: list[Worker] = field(default_factory=list)
    finished: list[Worker] = field(default_factory=list)
    observers: Observers | None = None

    def done(self) -> int:
        """Return how many operations are done."""
        return sum(worker.done for worker in (*self.finished, *self.workers))

    def errors(self) -> int:
        """Return how many of them failed."""
        return sum(len(worker.errors) for worker in (*self.finished, *self.workers))


Look = Callable[[Watch], None]


def run(
    document: Document, schedule: Schedule, network: Network, *, seed: int,
    journal: Path | None = None, growth: Growth | None = None, look: Look | None = None,
) -> RunRecord:  # fmt: skip
    """Run `schedule` on `network` and return what was found; the network is as before afterwards.

    `look` is called five times a second by the calling thread, for a live view. Raises what an
    action raised that is no EmulationError (a bug), after all is given back.
    """
    record = RunRecord(
        scenario=scenario_facts(document, schedule), network=network_facts(network),
        machine=machine_facts(), seed=seed, began=time.time(), offered=schedule.offered(),
    )  # fmt: skip
    with quiet_python():
        origin = time.monotonic()
        shared = Shared(network, lambda: time.monotonic() - origin, Journal(journal, network.links), growth)
        _Run(document, schedule, shared, record, look).carry_out()
    return record


class _Run:
    def __init__(
        self, document: Document, schedule: Schedule, shared: Shared, record: RunRecord, look: Look | None
    ) -> None:
        self._scenario = document.scenario
        self._schedule = schedule
        self._shared = shared
        self._record = record
        self._look = look
        self._watch = Watch(schedule, shared.clock)

    def carry_out(self) -> None:
        """Do all of it."""
        shared, record = self._shared, self._record
        with stopping(shared.stop) as signals:
            observers = Observers(self._scenario, shared.network, shared.clock)
            self._watch.observers = observers
            try:
                observers.start()
                self._phases()
            finally:
                self._restore()
                observers.stop(record)
            record.interrupted = signals.name
            self._collect()
            record.leaks = self._leaks(observers)
        for worker in self._watch.finished:
            if worker.failure is not None:
                raise worker.failure

    def _phases(self) -> None:
        begin = min(step.start for step in self._schedule.steps)
        with self._phase("warmup", begin):
            self._wait_until(begin)
        processor = Processor()
        for group in dict.fromkeys(step.group for step in self._schedule.steps):
            if self._shared.stop.is_set():
                break
            self._group(group)
        self._idle = processor.idle()
        if not self._shared.stop.is_set() and self._scenario.cooldown:
            end = self._shared.clock() + self._scenario.cooldown
            with self._phase("cooldown", end):
                self._wait_until(end)

    def _group(self, group: int) -> None:
        """Run the steps of one group side by side; all that they took is given back at the end."""
        schedule = self._schedule
        steps = [step for step in schedule.steps if step.group == group]
        mine = np.isin(schedule.step, [schedule.steps.index(step) for step in steps])
        workers = [Worker(schedule, share, self._shared) for share in shares(schedule, np.flatnonzero(mine))]
        self._watch.workers = workers
        end = max(step.end for step in steps)
        with self._phase(" + ".join(step.name for step in steps), end):
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive():
                    worker.join(_LOOK)
                    self._looked()
            self._wait_until(end)
        self._watch.finished += workers
        self._watch.workers = []
        for step in steps:
            self._record.phases.append(Phase(step.name, step.start, min(step.end, self._shared.clock())))

    def _wait_until(self, moment: float) -> None:
        while not self._shared.stop.is_set():
            left = moment - self._shared.clock()
            if left <= 0:
                return
            self._shared.stop.wait(min(left, _LOOK))
            self._looked()

    @contextmanager
    def _phase(self, name: str, end: float) -> Iterator[None]:
        """Tell the live view what goes on; steps are recorded one by one, other phases here."""
        self._watch.phase, self._watch.end = name, end
        begin = self._shared.clock()
        yield
        if name in {"warmup", "cooldown", "restore"}:
            self._record.phases.append(Phase(name, begin, self._shared.clock()))

    def _looked(self) -> None:
        if self._look is not None:
            self._look(self._watch)

    def _restore(self) -> None:
        """Wait for all workers (they give back what they took), then give links back."""
        shared, record = self._shared, self._record
        with self._phase("restore", shared.clock()):
            for worker in self._watch.workers:
                if worker.ident is not None:
                    worker.join()
                    self._watch.finished.append(worker)
            self._watch.workers = []
            for worker in self._watch.finished:
                record.restored += worker.restored
            names = shared.network.topology
            for link in shared.journal.changed:
                shared.network.set_link(link, shared.journal.before(link))
                shared.journal.given_back(link)
                a, b = names.ends[link].tolist()
                record.restored.append(f"{names.names[a]} -- {names.names[b]}")

    def _collect(self) -> None:
        """Turn the workers' columns into outcomes, in the order of the schedule."""
        record, schedule = self._record, self._schedule
        found: list[Outcome] = []
        for worker in self._watch.finished:
            for k, number in enumerate(worker.numbers[: worker.done].tolist()):
                found.append(
                    Outcome(schedule.operation(number), worker.started[k], worker.finished[k],
                            worker.errors.get(k, ""), worker.skipped.get(k, ""))
                )  # fmt: skip
        found.sort(key=lambda outcome: outcome.operation.number)
        record.outcomes = found
        for kind, what in self._shared.reports:
            (record.traffic if kind == "traffic" else record.ramps).append(what)
        interrupted = bool(record.interrupted) or any(worker.failure for worker in self._watch.finished)
        idle = getattr(self, "_idle", 1.0)
        record.doubts += doubts(found, len(schedule), idle, interrupted=interrupted)

    def _leaks(self, observers: Observers) -> LeakCheck:
        """Look whether everything is as before; what isn't is given back, and reported."""
        network = self._shared.network
        problems = list(network.health().problems)
        with suppress(EmulationError):
            problems += [words for words in network.repair() if words not in problems]
        self._shared.journal.close()
        return LeakCheck(observers.counts(), problems)
