"""Metrics of each machine of a cluster: a task reads them there (`stress.tasks.host`)."""

from __future__ import annotations

from contextlib import suppress

from emulator.errors import EmulationError
from emulator.network import Network
from emulator.tasks import RunningTask, Task
from stress.spreads import ByWorker

Numbers = dict[str, float]


class WorkerHosts:
    """Metrics of the workers of a network; none where this machine has all nodes."""

    def __init__(self, network: Network) -> None:
        self._task: RunningTask | None = None
        if network.access.places is not None:
            self._task = network.access.start(Task("stress.tasks.host:HostMetrics", spread=ByWorker()))

    def values(self) -> Numbers:
        """Return `worker.NAME.host.cpu.busy` and so on; rates are over the time since the last call."""
        found: dict[str, Numbers] = {}
        if self._task is not None:
            with suppress(EmulationError, OSError):  # a worker may be lost during a run: that says so itself
                found = self._task.ask()
        return {
            f"worker.{worker}.{name}": value for worker, one in found.items() for name, value in one.items()
        }

    def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.stop()
