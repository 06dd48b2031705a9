"""Counters of chosen ports: a task reads them where the nodes are (`stress.tasks.ports`)."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.access import Capability
from emulator.network import Network
from emulator.tasks import RunningTask, Task
from stress.spreads import PortsSpread
from topologies.identifiers import interface_name

Numbers = dict[str, float]


class Ports:
    """The chosen ports (node, port) of a network; none where the engine opens no sockets in nodes."""

    def __init__(self, chosen: Sequence[tuple[int, int]], network: Network) -> None:
        ports = [[node, interface_name(network.topology, node, port)] for node, port in chosen]
        self._task: RunningTask | None = None
        if ports and network.access.supports(Capability.TASKS):
            self._task = network.access.start(
                Task("stress.tasks.ports:PortCounters", {"ports": ports}, PortsSpread())
            )

    def counters(self) -> Numbers:
        """Return `port.NAME.rx_bytes` and so on, since the port was made; nothing of ports that are gone."""
        found = self._task.ask() if self._task is not None else {}
        return {
            f"port.{name}.{key}": float(value)
            for name, numbers in found.items()
            for key, value in numbers.items()
        }

    def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.stop()
