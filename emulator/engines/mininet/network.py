"""The handle of a network that Mininet holds."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from emulator.engines.mininet import openflow
from emulator.engines.mininet.client import Driver, dead
from emulator.engines.mininet.launch import Running
from emulator.engines.mininet.links import change_links, give_shapes
from emulator.engines.mininet.place import Place, place_of
from emulator.engines.mininet.repair import find_damage, repair
from emulator.engines.mininet.session import MininetSession
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.place import require_root
from emulator.link_states import States, shaped_again
from emulator.linux.interrupts import deferred
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

    def repair(self) -> list[str]:
        """Look at every node, give back what is missing, and return what it was."""
        require_root()
        plan = make_plan(self.topology, self.engine, up=self._links_up())
        down = frozenset(link for link, state in self.links.items() if not state.up)
        stopped = [name for name, runs in self.switches.controllers.running().items() if not runs]
        with self._state.locked("repair"), deferred():
            self.switches.controllers.start(stopped)
            with self._store.entered():
                damage = find_damage(plan, self.driver, self._store, down)
                repair(plan, self.driver, self._store, damage)
            shaped_again(damage.links, self._states_now, partial(give_shapes, plan, self.driver))
            openflow.give_flows(self.switches, plan, damage.nodes)
        return [*damage.words(plan), *(f"controller {name} is stopped" for name in stopped)]
