"""The handle of a network that Mininet holds."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from emulator.deviation import Deviation
from emulator.engines.mininet import openflow
from emulator.engines.mininet.client import Driver, dead
from emulator.engines.mininet.launch import Running
from emulator.engines.mininet.links import change_links, give_shapes
from emulator.engines.mininet.place import Place, place_of
from emulator.engines.mininet.repair import repair
from emulator.engines.mininet.session import MininetSession
from emulator.engines.mininet.survey import Survey
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.place import require_root
from emulator.link_states import States, shaped_again
from emulator.linux.observed.wanted import WantedState
from emulator.ovs.checksums import compute_all, uncomputed
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan, make_plan
from emulator.state import NetworkState

DRIVER = "driver"
"""The option of the run record that holds the driver's process id and when it began."""


class MininetNetwork(NamespacedNetwork):
    """A network that runs on Mininet."""

    engine = "mininet"
    _plan: tuple[npt.NDArray[np.bool_], Plan] | None = None
    """Of its sessions, with the links (bool[m]) that it is for."""

    def __init__(self, state: NetworkState) -> None:
        super().__init__(state)
        self._place: Place = place_of(state)

    @cached_property
    def driver(self) -> Driver:
        """The program that holds Mininet."""
        watch = self.switches.servers.require_running if self.switches.there else lambda: None
        return Driver(self.name, self._place, self._running, watch)

    @property
    def _running(self) -> Running:
        noted = self._record.options.get(DRIVER) or {}
        return Running(int(noted.get("pid", -1)), int(noted.get("began", -2)))

    @cached_property
    def switches(self) -> Switches:
        """Its Open vSwitch, and its controllers."""
        return Switches(self._state.folder, self._store, self.topology, self._record.file)

    def _engine_problems(self) -> list[str]:
        return [] if self._running.alive else [dead(self.name, "has ended", self._place)]

    def change_links(self, wanted: States) -> bool:
        """Make running links be as `wanted` says; the caller holds the network's lock."""
        return change_links(self._state, self._record, (self.driver, self.switches), self.topology, wanted)

    def session(self) -> MininetSession:
        """Return a session for many quick changes."""
        require_root()
        return MininetSession(self._plan_now, self._states_now, self.driver, self._store, self.switches)

    def _plan_now(self) -> Plan:
        """Return the plan with the links that are up now: the same one until they are others."""
        up = self._links_up()
        if self._plan is None or not np.array_equal(self._plan[0], up):
            self._plan = up, make_plan(self.topology, self.engine, up=up)
        return self._plan[1]

    def _wanted(self) -> WantedState:
        return WantedState(make_plan(self.topology, self.engine, up=self._links_up()), self.links)

    def look(self) -> list[Deviation]:
        """Compare every node with the kernel and with Mininet; return what differs from the plan."""
        wanted = self._wanted()
        with self._store.entered():
            found = Survey(wanted, self.driver, self._store).damage().deviations
            found += uncomputed(wanted.plan.topology, bridges_of(wanted.plan), self._store)
        bridges = openflow.damage_of(self.switches, wanted.plan)
        return [*found, *(bridges.deviations if bridges else ())]

    def restore_once(self) -> list[str]:
        """Give back what differs, and return what it was; the caller holds the network's lock."""
        wanted = self._wanted()
        stopped = [name for name, runs in self.switches.controllers.running().items() if not runs]
        self.switches.controllers.start(stopped)
        with self._store.entered():
            damage = Survey(wanted, self.driver, self._store).damage()
        switched = openflow.damage_of(self.switches, wanted.plan, damage)
        with self._store.entered():
            if not damage.is_empty:
                repair(wanted, self.driver, self._store, damage)
            topology, bridges = wanted.plan.topology, bridges_of(wanted.plan)
            offloaded = uncomputed(topology, bridges, self._store)
            compute_all(topology, bridges, self._store)
        shaped_again(damage.links, self._states_now, partial(give_shapes, wanted.plan, self.driver))
        if switched is not None:
            openflow.repair(self.switches, wanted.plan, switched, damage.nodes)
        told = [*damage.deviations, *(switched.deviations if switched else ()), *offloaded]
        return [*map(str, told), *(f"controller {name} is stopped" for name in stopped)]
