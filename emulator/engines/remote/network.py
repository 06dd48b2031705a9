"""The handle of a network whose nodes are on workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from emulator.deviation import Deviation
from emulator.engines import link_changes
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverProcess
from emulator.engines.link_changes import LinkChange
from emulator.engines.recorded import RecordedNetwork
from emulator.engines.remote.access import RemoteAccess
from emulator.engines.remote.driver import driver_of, process_of
from emulator.engines.remote.links import link_steps
from emulator.engines.remote.program import RemoteProgram
from emulator.engines.remote.removal import take_down
from emulator.engines.remote.repair import repair
from emulator.engines.remote.session import RemoteSession
from emulator.engines.remote.survey import survey
from emulator.errors import EmulationError, NotWholeError
from emulator.link_states import States, links_up
from emulator.network import Health, LinkState, Progress, silent
from emulator.state import NetworkState
from emulator.stress_lock import left_over
from topologies.counting import counted

_LOOK_SECONDS = 20.0
"""Time limit for the driver to tell which nodes it has."""


class RemoteNetwork(RecordedNetwork):
    """A running network whose nodes `program` created on workers."""

    def __init__(self, state: NetworkState, program: RemoteProgram) -> None:
        super().__init__(state)
        self.program = program

    @cached_property
    def driver(self) -> Driver:
        """Client of the program's driver."""
        return driver_of(self._state, self._record, self.program)

    def again(self) -> RemoteNetwork:
        """Return a new handle, which reads the record and the graph again."""
        return RemoteNetwork(self._state, self.program)

    @property
    def process(self) -> DriverProcess:
        """The driver's process, by the record."""
        return process_of(self._record)

    @cached_property
    def access(self) -> RemoteAccess:
        """Access to the nodes, through the driver."""
        return RemoteAccess(self.engine, lambda: self.plan, lambda: self.driver)

    def places(self) -> Mapping[str, str]:
        """Return the worker of each node that the program has, by the program's names."""
        (known,) = self.driver.ask(("info", {}), seconds=_LOOK_SECONDS)
        return dict(known["nodes"])

    def health(self) -> Health:
        """Check that the driver runs, that the program has every node, and on which workers."""
        problems = list(left_over(self._state.folder))
        if self._record.phase != "up":
            problems.append(f"`up` did not finish; `emulator down {self.name}` removes the rest")
        if not self.driver.alive:
            return Health(running=False, problems=(self.driver.dead(), *problems))
        try:
            places = self.places()
        except EmulationError as error:
            return Health(running=False, problems=(str(error), *problems))
        missing = self.topology.node_count - len(places)
        if missing:
            problems.append(f"{counted(missing, 'node')} {'is' if missing == 1 else 'are'} missing")
        details = {"workers": dict(sorted(Counter(places.values()).items())), "placement": dict(places)}
        return Health(running=not problems, nodes=len(places), problems=tuple(problems), details=details)

    def set_link(self, link: int, state: LinkState) -> None:
        """Change a running link to `state`."""
        self.set_links({link: state})

    def set_links(self, wanted: States) -> None:
        """Change running links at once."""
        with self._state.locked("link"):
            self._record = self._state.read()
            if not self.driver.alive:
                raise NotWholeError(self.driver.dead())
            self.change_links(wanted)

    def change_links(self, wanted: States) -> bool:
        """Change running links to `wanted`; return False if they already match. The caller holds the lock.

        Raises UsageError for an unknown link, RefusedError for shapes that the program can't make, and
        BrokenError with the program's words.
        """
        link_changes.refuse(self.topology, wanted, self.program.unshapable)
        running = self._plan_again()

        def carry_out(before: States, after: States) -> None:
            old = running.with_links(links_up(self.topology, before))
            self.driver.ask(*link_steps(LinkChange(old, self._plan_again(), before, after)))

        return link_changes.change(self._state, self._record, wanted, carry_out)

    def session(self) -> RemoteSession:
        """Return a session for many quick changes of ports."""
        return RemoteSession(self.engine, lambda: self.plan, self.driver)

    def deviations(self) -> Sequence[Deviation]:
        """Compare nodes, workers, ports and addresses with the plan; return deviations."""
        return survey(self._plan_again(), self.places(), self.access)

    def repair(self) -> list[str]:
        """Repair deviations under the network's lock, and return them."""
        with self._state.locked("repair"):
            self._record = self._state.read()
            return self.repair_locked()

    def repair_locked(self) -> list[str]:
        """Repair deviations and return them; the caller holds the network's lock."""
        return repair(self._plan_again(), self.link_changes, self.driver, self.deviations)

    def beyond_repair(self) -> str:
        """Return why `up` must create the network again; empty where it can be repaired."""
        if self._record.phase != "up":
            return "an earlier `up` did not finish"
        if not self.driver.alive:
            return f"the {self.program.title} driver had ended"
        return ""

    def down(self, progress: Progress = silent) -> None:
        """Take the network down."""
        take_down(self._state, self.program, progress)
