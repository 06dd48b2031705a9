"""The handle of a network that runs on this machine's kernel."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from emulator.deviation import Deviation
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.netns.links import change_links
from emulator.engines.netns.switch_repair import SwitchRepair, deviating_bridges
from emulator.engines.netns.switches import switches_of
from emulator.engines.place import require_root
from emulator.link_states import States, links_up, shaped_again
from emulator.linux.link_messages import give_shapes
from emulator.linux.observed.survey import survey
from emulator.linux.observed.wanted import WantedState
from emulator.linux.repair import repair
from emulator.linux.session import NetnsSession
from emulator.ovs.session import OvsSession
from emulator.ovs.switches import Switches
from emulator.plan import Plan, make_plan


class NetnsNetwork(NamespacedNetwork):
    """A network that runs on this machine's kernel."""

    engine = "netns"
    _plan: tuple[npt.NDArray[np.bool_], Plan] | None = None
    """Of its sessions, with the links (bool[m]) that it is for."""

    @cached_property
    def switches(self) -> Switches | None:
        """Its switches of Open vSwitch; None when it has none."""
        return switches_of(self._state, self._store, self.topology, self._record.file)

    def change_links(self, wanted: States) -> bool:
        """Make running links be as `wanted` says; the caller holds the network's lock."""
        self._expect({**self.links, **wanted})  # what sessions make meanwhile, they make for what will be
        try:
            return change_links(
                self._state, self._record, self._store, self.topology, wanted, switches=self.switches
            )
        finally:
            self._expect(self.links)

    def _expect(self, states: States) -> None:
        """Note which links are up, for the sessions that go on."""
        up = links_up(self.topology, states)
        if self._plan is not None and not np.array_equal(self._plan[0], up):
            self._plan = up, make_plan(self.topology, self.engine, up=up)

    def _plan_now(self) -> Plan:
        if self._plan is None:
            up = self._links_up()
            self._plan = up, make_plan(self.topology, self.engine, up=up)
        return self._plan[1]

    def session(self) -> NetnsSession:
        """Return a session for many quick changes; it is noted in the record before the first one."""
        require_root()
        if self.switches is None:
            return NetnsSession(self._plan_now(), self._store, self._plan_now, self._states_now)
        return OvsSession(self._plan_now(), self._store, self.switches, self._plan_now, self._states_now)

    def _wanted(self) -> WantedState:
        return WantedState(make_plan(self.topology, self.engine, up=self._links_up()), self.links)

    def look(self) -> list[Deviation]:
        """Compare every node with the kernel; return what differs from the plan."""
        wanted = self._wanted()
        with self._store.entered():
            found = survey(wanted, self._store).deviations
        if self.switches is None:
            return found
        return found + deviating_bridges(self.switches, wanted.plan, self._store)

    def restore_once(self) -> list[str]:
        """Make the kernel be as the plan says where it isn't; the caller holds the network's lock."""
        wanted, store = self._wanted(), self._store
        with store.entered():
            damage = survey(wanted, store)
        words = [str(deviation) for deviation in damage.deviations]
        fix = None if self.switches is None else SwitchRepair(self.switches, wanted.plan, damage.links)
        if fix is not None:
            fix.begin()
        if not damage.is_empty:
            with store.entered():
                repair(wanted.plan, store, damage)
                shaped_again(damage.links, self._states_now, partial(give_shapes, wanted.plan.whole, store))
        if fix is not None:
            with store.entered():
                words += fix.finish(store)
        return words
