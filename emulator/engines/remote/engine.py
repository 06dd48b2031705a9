"""Deploy to workers through a driver: under the network's lock, rolled back on failure."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from emulator.engines.deploy_phases import finish
from emulator.engines.hosts_file import hosts_text
from emulator.engines.remote.changes import change
from emulator.engines.remote.create import create
from emulator.engines.remote.driver import OPENED, start_driver
from emulator.engines.remote.network import RemoteNetwork
from emulator.engines.remote.placement import placed_as_running
from emulator.engines.remote.program import RemoteProgram
from emulator.engines.remote.refusals import common_refusals
from emulator.engines.remote.removal import remove, take_down
from emulator.engines.running import running_network
from emulator.errors import BrokenError, EmulationError, RefusedError
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress, silent
from emulator.plan import Plan
from emulator.state import NetworkState, Record, state_root

_OPEN_SECONDS = 60.0
"""Time limit for connecting to the workers."""


class RemoteEngine:
    """An engine that creates its nodes by `program`, on workers."""

    name: ClassVar[str]
    program: ClassVar[RemoteProgram]
    needs_root = False

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why the program can't carry `plan` out on its workers.

        The workers are asked only when nothing else is wrong.
        """
        plan = self._as_running(plan)
        reasons = [*common_refusals(plan, self.program), *self.program.refusals(plan)]
        reasons = list(dict.fromkeys(reasons)) or list(dict.fromkeys(self.program.preflight(plan)))
        if reasons:
            raise RefusedError(reasons)

    def _as_running(self, plan: Plan) -> Plan:
        """Return the plan with the placement of the network of its name, if that is up on this engine."""
        state = NetworkState(state_root(), plan.topology.name)
        with suppress(EmulationError):
            if state.exists and (record := state.read()).engine == self.name and record.phase == "up":
                return placed_as_running(self.handle(state).plan, plan)
        return plan

    def handle(self, state: NetworkState) -> RemoteNetwork:
        """Return the handle of the network whose state this is."""
        return RemoteNetwork(state, self.program)

    def attach(self, name: str) -> RemoteNetwork:
        """Return the running network `name`; UsageError when there is none."""
        return self.handle(NetworkState(state_root(), name))

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> RemoteNetwork:
        """Create the network of `plan`, or add what the running one lacks; leave nothing new on failure."""
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            state.require_engine(self.name)
            running, lost = running_network(state, self.handle)
            if running is not None:
                return change(running, placed_as_running(running.plan, plan), state, file, watched)
            remove(state, self.program, silent)  # remains of a killed `up` or `down`
            try:
                notes = self._create(plan, state, file, watched)
                signals.check()
            except BaseException as error:
                try:
                    remove(state, self.program, silent)
                except EmulationError as left:
                    raise BrokenError(f"{error}; then: {left}") from error
                raise
        network = self.handle(state)
        network.notes = (*notes, *lost)
        return network

    def _create(self, plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
        """Record, start the driver, create everything; return notes for people. The caller rolls back."""
        state.make()
        record = Record.of_plan(plan, file)
        state.write(record)
        state.save(plan, hosts_text(plan.whole))
        driver = start_driver(plan, state, record, self.program)
        (opened,) = driver.ask(("open", {"settings": self.program.settings(plan)}), seconds=_OPEN_SECONDS)
        record.options[OPENED] = opened
        state.write(record)
        network = self.handle(state)
        create(plan, opened, network, self.program, progress)
        finish(state, record)
        return (f"{self.program.title} {opened['version']} on {', '.join(opened['workers'])}",)

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove everything of the network `name`, whatever state it is in; BrokenError for what is left."""
        take_down(NetworkState(state_root(), name), self.program, progress)
