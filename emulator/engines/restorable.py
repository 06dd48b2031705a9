"""Compare a running network with its plan, and restore what differs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from emulator.deviation import Deviation
from emulator.engines.recorded import RecordedNetwork
from emulator.engines.store import require_root
from emulator.errors import BrokenError
from emulator.linux.interrupts import deferred
from emulator.linux.observed.limits import deviating_limits
from emulator.linux.observed.wanted import WantedState
from topologies.counting import counted

_SETTLES_WITHIN, _PAUSE = 2.0, 0.05
"""Seconds until what was restored must be seen, and between two looks."""
_MOST_NAMED = 5


class RestorableNetwork(RecordedNetwork, ABC):
    """A network that can be compared with its plan."""

    def wanted(self) -> WantedState:
        """Return what the plan and the changes of links want of every node."""
        return WantedState(self._plan_again(), self.link_changes)

    @abstractmethod
    def look(self) -> Sequence[Deviation]:
        """Compare every node with what the engine made of it; return what differs from the plan."""

    @abstractmethod
    def restore_once(self) -> list[str]:
        """Restore deviations and return them; the caller holds the network's lock."""

    def deviations(self) -> Sequence[Deviation]:
        """Compare every node with the kernel; return what differs from the plan."""
        require_root()
        return [*self.look(), *deviating_limits(self._state.root, self.topology)]

    def repair(self) -> list[str]:
        """Look at every node, give back what differs from the plan, and return what it was."""
        require_root()
        with self._state.locked("repair"), deferred():
            self._record = self._state.read()
            return self.restore()

    def restore(self) -> list[str]:
        """Do what `restore_once` does, and look again; BrokenError when something still differs.

        The caller holds the network's lock.
        """
        words = self.restore_once()
        words += map(str, deviating_limits(self._state.root, self.topology, give=True))
        deadline = time.monotonic() + _SETTLES_WITHIN
        while words and (left := self.deviations()):
            if time.monotonic() > deadline:
                shown = "; ".join(map(str, left[:_MOST_NAMED]))
                raise BrokenError(
                    f"{counted(len(left), 'difference')} could not be restored ({shown}); "
                    f"`emulator down {self.name}`, then `up`"
                )
            time.sleep(_PAUSE)  # IPv6 takes a moment to see that a carrier is back
        return words
