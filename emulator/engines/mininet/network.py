"""The handle of a network that Mininet holds."""

from __future__ import annotations

from functools import cached_property

from emulator.engines.mininet.client import Driver, dead
from emulator.engines.mininet.launch import Running
from emulator.engines.mininet.place import Place, place_of
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.netns.removal import take_down
from emulator.network import Health, Progress, silent
from emulator.state import NetworkState

DRIVER = "driver"
"""The option of the run record that holds the driver's process id and when it began."""


class MininetNetwork(NamespacedNetwork):
    """A network that runs on Mininet."""

    engine = "mininet"

    def __init__(self, state: NetworkState) -> None:
        super().__init__(state)
        self._place: Place = place_of(state)

    @cached_property
    def driver(self) -> Driver:
        """The connection to the program that holds Mininet."""
        return Driver(self.name, self._place, self._running)

    @property
    def _running(self) -> Running:
        noted = self._record.options.get(DRIVER) or {}
        return Running(int(noted.get("pid", -1)), int(noted.get("began", -2)))

    def health(self) -> Health:
        """Look whether the nodes' namespaces are there, and the driver runs."""
        found = super().health()
        if found.running and not self._running.alive:
            problem = dead(self.name, "has ended", self._place)
            return Health(running=False, nodes=found.nodes, problems=(problem,))
        return found

    def down(self, progress: Progress = silent) -> None:
        """Take the network down."""
        take_down(self._state, progress)
