"""Run a scenario: warmup, steps, restoration, cooldown, the check for leaks.

The order is always the same: a failed action, Ctrl-C and SIGTERM only end the steps early. Each part is
tried even if the one before failed; the result has the first failure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np

from emulator.errors import EmulationError
from emulator.network import Network
from emulator.process_tags import end_tagged
from stress.actions.action_context import Growth
from stress.journal import Journal
from stress.machine import machine_facts
from stress.records import LeakCheck, Phase, RunResult
from stress.runner.collect_results import collect, leaked, network_facts, scenario_facts
from stress.runner.context import Tidier, quiet_python, stopping
from stress.runner.fleet import Fleet
from stress.runner.follower import Follower, end_parts, prepared
from stress.runner.observers import Observers
from stress.runner.restoring import restore_links
from stress.runner.run_status import Look, RunStatus
from stress.runner.shared_state import SharedState
from stress.runner.validity import Processor, Spent, validity_warnings
from stress.runner.work_distribution import shares
from stress.runner.worker import Worker
from stress.scenario.load import Document
from stress.scenario.model import Step
from stress.schedule import Schedule

_LOOK = 0.2


def run(
    document: Document, schedule: Schedule, network: Network, *, seed: int,
    journal: Path | None = None, growth: Growth | None = None, look: Look | None = None,
) -> RunResult:  # fmt: skip
    """Run `schedule` on `network` and return its result; the network is as before afterwards.

    The calling thread calls `look` five times a second, for a live view. Raises only before anything is
    changed (probes that can't start). A later failure, such as a bug or a full disk, ends the steps;
    everything is restored, and the result has it as `aborted` and `failure`.
    """
    result = RunResult(
        scenario=scenario_facts(document, schedule), network=network_facts(network),
        machine=machine_facts(), seed=seed, began=0.0, offered=schedule.offered(),
    )  # fmt: skip
    with quiet_python():
        shared = SharedState(network, time.monotonic, Journal(journal, network.link_changes), growth)
        fleet = prepared(schedule, shared)
        origin, result.began = time.monotonic(), time.time()  # the lines above take a tenth of a second
        shared.clock = lambda: time.monotonic() - origin
        try:
            _Run(document, schedule, shared, result, look=look, fleet=fleet).carry_out()
        finally:
            if fleet is not None:
                fleet.end()
    return result


class _Run:
    def __init__(
        self,
        document: Document,
        schedule: Schedule,
        shared: SharedState,
        result: RunResult,
        *,
        look: Look | None,
        fleet: Fleet | None,
    ) -> None:
        self._scenario = document.scenario
        self._schedule = schedule
        self._shared = shared
        self._result = result
        self._look = look
        self._fleet = fleet
        self._tidier = Tidier()
        self._watch = RunStatus(schedule, shared.clock, elsewhere=None if fleet is None else fleet.counts)
        self._spent: Callable[[], Spent] = Processor().spent

    def carry_out(self) -> None:
        """Carry out the whole run."""
        result = self._result
        with stopping(self._shared.stop) as signals:
            observers = Observers(self._scenario, self._shared.network, self._shared.clock, result.seed)
            self._watch.observers = observers
            journal = self._shared.journal
            try:
                journal.begin()
                observers.start()
                if self._fleet is not None:
                    journal.will_change_all(self._fleet.links)
                    self._fleet.go(time.monotonic() - self._shared.clock())
            except BaseException:
                journal.close()
                with suppress(Exception):
                    observers.stop(result)
                raise
            collected = partial(collect, result, self._schedule, self._watch.finished, self._shared)
            for part in (self._phases, self._restore, partial(observers.stop, result), collected):
                with self._noting():
                    part()
            result.interrupted = signals.name
            with self._noting():
                result.leaks = LeakCheck(observers.counts(), leaked(self._shared))
            result.warnings += validity_warnings(result, sum(result.offered.values()), self._spent)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Make a failure end the steps, and record the first one."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 -- recorded; raised again after the report is written
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._shared.stop.set()
        if self._result.failure is None:
            self._result.failure = error
            words = str(error).strip() or "no more is known"
            known = isinstance(error, EmulationError)
            self._result.aborted = words if known else f"{type(error).__name__}: {words}"

    def _phases(self) -> None:
        begin = min(step.start for step in self._schedule.steps)
        groups = list(dict.fromkeys(step.group for step in self._schedule.steps))
        self._start(groups[0])  # during the warmup they prepare, and wait
        with self._phase("warmup", begin):
            self._wait_until(begin)
        processor = Processor()
        self._spent = processor.spent
        for group in groups:
            if self._shared.stop.is_set():
                break
            if group != groups[0]:
                self._start(group)
            self._finish(group)
        spent = processor.spent()
        self._spent = lambda: spent
        if not self._shared.stop.is_set() and self._scenario.cooldown:
            end = self._shared.clock() + self._scenario.cooldown
            with self._phase("cooldown", end):
                self._wait_until(end)

    def _start(self, group: int) -> None:
        """Start the workers of one group of steps; each operation waits until it is due."""
        schedule = self._schedule
        mine = np.array([step.group == group for step in schedule.steps])[schedule.step]
        numbers = np.flatnonzero(mine)
        self._watch.workers = (
            [Worker(schedule, share, self._shared) for share in shares(schedule, numbers)]
            if self._fleet is None
            else [Follower(schedule, numbers, self._shared, self._fleet)]
        )
        for worker in self._watch.workers:
            worker.start()

    def _finish(self, group: int) -> None:
        """Wait for the steps of one group, side by side; their changes are restored at the end."""
        steps = [step for step in self._schedule.steps if step.group == group]
        workers = self._watch.workers
        end = max(step.end for step in steps)
        with self._phase(" + ".join(step.name for step in steps), end):
            for worker in workers:
                while worker.is_alive():
                    worker.join(_LOOK)
                    self._looked()
                    if self._shared.stop.is_set():  # don't wait for a long command
                        self._end_commands()
                if worker.failure is not None:
                    self._fail(worker.failure)
            self._wait_until(self._end_of(steps, workers))
        self._watch.finished += workers
        self._watch.workers = []
        for step in steps:
            self._result.phases.append(
                Phase(step.name, step.start, max(step.start, min(step.end, self._shared.clock())))
            )

    def _end_of(self, steps: Sequence[Step], workers: Sequence[Worker]) -> float:
        """Return the end of these steps, without those of the last group that ended early."""
        over: set[int] = set().union(*(worker.over for worker in workers))
        every = self._schedule.steps
        last = steps[0].group == every[-1].group  # later groups begin as scheduled
        return max((step.end for step in steps if not (last and every.index(step) in over)), default=0.0)

    def _wait_until(self, moment: float) -> None:
        while not self._shared.stop.is_set():
            left = moment - self._shared.clock()
            if left <= 0:
                return
            self._shared.stop.wait(min(left, _LOOK))
            self._looked()

    @contextmanager
    def _phase(self, name: str, end: float) -> Iterator[None]:
        """Set the phase for the live view; steps are recorded one by one, other phases here."""
        self._watch.phase, self._watch.end = name, end
        begin = self._shared.clock()
        yield
        if name in {"warmup", "cooldown", "restore"}:
            self._result.phases.append(Phase(name, begin, self._shared.clock()))

    def _looked(self) -> None:
        self._shared.journal.require()
        self._tidier.tidy()
        if self._look is not None:
            self._look(self._watch)

    def _end_commands(self) -> None:
        """End the run's commands in nodes, and all processes that they left."""
        ended = end_tagged(self._shared.journal.path)
        self._result.restored += [f"`{words}` is ended" for words in ended]

    def _restore(self) -> None:
        """Wait for all workers, which restore their changes, then restore links."""
        shared, result = self._shared, self._result
        with self._phase("restore", shared.clock()):
            for worker in self._watch.workers:
                if worker.ident is not None:
                    worker.join()
                    self._watch.finished.append(worker)
                    if worker.failure is not None:
                        self._fail(worker.failure)
            self._watch.workers = []
            if self._fleet is not None:
                with self._noting():
                    end_parts(self._fleet, self._watch.finished, result, shared)
            for worker in self._watch.finished:
                result.restored += worker.restored
            with self._noting():
                self._end_commands()
            names, failure = restore_links(shared)
            result.restored += [name for name in names if name not in result.restored]
            if failure is not None:
                self._fail(failure)
