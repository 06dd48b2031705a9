"""Compare a running network with its plan, and repair deviations."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from emulator.deviation import Deviation
from emulator.engines.recorded import RecordedNetwork
from emulator.engines.store import require_root
from emulator.errors import BrokenError
from emulator.linux.observed.limits import deviating_limits
from emulator.linux.observed.wanted import WantedState
from emulator.linux.processes.interrupts import deferred
from emulator.plan import Plan
from emulator.services.control import service_deviations
from topologies.counting import counted

_SETTLES_WITHIN, _PAUSE = 2.0, 0.05
"""Seconds until a repair must be visible, and between two comparisons."""
_MOST_NAMED = 5


class RepairableNetwork(RecordedNetwork, ABC):
    """A network that can be compared with its plan."""

    def wanted(self) -> WantedState:
        """Return the wanted state of every full node, by the plan and the changes of links."""
        plan = self._plan_again().full
        count = plan.topology.link_count
        return WantedState(plan, {link: s for link, s in self.link_changes.items() if link < count})

    @abstractmethod
    def look(self) -> Sequence[Deviation]:
        """Compare every node with what the engine created of it; return deviations from the plan."""

    @abstractmethod
    def repair_once(self) -> list[str]:
        """Repair deviations and return them; the caller holds the network's lock."""

    def repair_before(self, new: Plan) -> list[str]:
        """Repair before the change to `new`; return the deviations. The caller holds the network's lock."""
        del new
        return self.repair_locked()

    def deviations(self) -> Sequence[Deviation]:
        """Compare every node with the kernel; return deviations from the plan."""
        require_root()
        return [*self._deviations(), *service_deviations(self._state, self._filed_plan.here)]

    def _deviations(self) -> list[Deviation]:
        """Return the deviations of nodes; their services are led to a plan apart, see `up`."""
        return [*self.look(), *deviating_limits(self._state.root, self._filed_plan.full.here)]

    def repair(self) -> list[str]:
        """Repair deviations from the plan under the network's lock, and return them."""
        require_root()
        with self._state.locked("repair"), deferred():
            self._record = self._state.read()
            return [*self.repair_locked(), *self.repair_services()]

    @abstractmethod
    def repair_services(self) -> list[str]:
        """Lead services that aren't as the plan wants them to it; return the deviations."""

    def repair_locked(self) -> list[str]:
        """Repair deviations and limits, and return them; the caller holds the network's lock.

        Compares again until nothing differs; BrokenError when deviations remain.
        """
        words = self.repair_once()
        limits = deviating_limits(self._state.root, self._filed_plan.full.here, restore=True)
        words += map(str, limits)
        if words:
            await_repaired(self.name, self._deviations, within=_SETTLES_WITHIN, pause=_PAUSE)
        return words


def await_repaired(
    name: str, deviations: Callable[[], Sequence[Deviation]], *, within: float, pause: float
) -> None:
    """Compare every `pause` seconds until nothing differs; BrokenError when something does after `within`.

    IPv6, for example, notices a returned carrier with a delay.
    """
    deadline = time.monotonic() + within
    while left := deviations():
        if time.monotonic() > deadline:
            shown = "; ".join(map(str, left[:_MOST_NAMED]))
            raise BrokenError(
                f"{counted(len(left), 'difference')} could not be repaired ({shown}); "
                f"`emulator down {name}`, then `up`"
            )
        time.sleep(pause)
