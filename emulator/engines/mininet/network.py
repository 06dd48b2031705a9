"""The handle of a network that Mininet holds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial

from emulator.deviation import Deviation
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverProcess
from emulator.engines.link_changes import LinkChange
from emulator.engines.mininet import openflow
from emulator.engines.mininet.access import MininetAccess
from emulator.engines.mininet.launch import TITLE, paths_of
from emulator.engines.mininet.links import apply_shapes, change_links
from emulator.engines.mininet.refusals import unshapable
from emulator.engines.mininet.repair import repair
from emulator.engines.mininet.session import MininetSession
from emulator.engines.mininet.survey import MininetSurvey
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.store import require_root
from emulator.link_states import reapply_shapes
from emulator.linux.nodes.own_settings import setting_deviations
from emulator.ovs.checksums import compute_all, uncomputed
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from topologies.profiles import Shape

DRIVER = "driver"
"""The option of the run record for the driver's process id and start time."""


class MininetNetwork(NamespacedNetwork):
    """A network that runs on Mininet."""

    @cached_property
    def driver(self) -> Driver:
        """The program that holds Mininet."""
        watch = self.switches.servers.require_running if self.switches.there else lambda: None
        return Driver(self.name, TITLE, paths_of(self._state), self._process, watch)

    @cached_property
    def access(self) -> MininetAccess:
        """Access to the nodes, and to Mininet's command line."""
        return MininetAccess(self.engine, self._nodes, lambda: self.link_changes, lambda: self.driver)

    @property
    def _process(self) -> DriverProcess:
        noted = self._record.options.get(DRIVER) or {}
        return DriverProcess(int(noted.get("pid", -1)), int(noted.get("began", -2)))

    @cached_property
    def switches(self) -> Switches:
        """The network's Open vSwitch and controllers."""
        return Switches(self._state.folder, self._store, self.topology, self._record.file)

    def _engine_problems(self) -> list[str]:
        return [] if self._process.alive else [self.driver.dead()]

    def _unshapable(self, shapes: Iterable[Shape]) -> list[str]:
        return unshapable(shapes)

    def _carry_out(self, change: LinkChange) -> None:
        change_links(change, self.driver, self.switches)

    def session(self) -> MininetSession:
        """Return a session for many quick changes."""
        require_root()
        return MininetSession(
            lambda: self.plan, lambda: self.link_changes, self.driver, self._store, self.switches
        )

    def look(self) -> list[Deviation]:
        """Compare every node with the kernel and with Mininet; return deviations from the plan."""
        wanted = self.wanted()
        with self._store.entered():
            found = MininetSurvey(wanted, self.driver, self._store).damage().deviations
            found += uncomputed(wanted.plan, bridges_of(wanted.plan), self._store)
        found += setting_deviations(self.plan, self._store, self._state.folder)
        bridges = openflow.damage_of(self.switches, wanted.plan)
        return [*found, *(bridges.deviations if bridges else ())]

    def repair_once(self) -> list[str]:
        """Repair deviations and return them; the caller holds the network's lock."""
        wanted = self.wanted()
        stopped = [name for name, runs in self.switches.controllers.running().items() if not runs]
        self.switches.controllers.start(stopped)
        with self._store.entered():
            damage = MininetSurvey(wanted, self.driver, self._store).damage()
        switched = openflow.damage_of(self.switches, wanted.plan, damage)
        with self._store.entered():
            if not damage.is_empty:
                repair(wanted, self.driver, self._store, damage)
            bridges = bridges_of(wanted.plan)
            offloaded = uncomputed(wanted.plan, bridges, self._store)
            compute_all(wanted.plan, bridges, self._store)
        reapply_shapes(
            damage.links, lambda: self.link_changes, partial(apply_shapes, wanted.plan, self.driver)
        )
        if switched is not None:
            openflow.repair(self.switches, wanted.plan, switched, damage.nodes)
        told = [*damage.deviations, *(switched.deviations if switched else ()), *offloaded]
        words = [*map(str, told), *(f"controller {name} is stopped" for name in stopped)]
        return words + self._repair_settings()
