"""Metrics of this runner's process and of the network's: Open vSwitch, controllers, traffic.

A task reads those of the network where they run (`stress.tasks.processes`).
"""

from __future__ import annotations

from contextlib import suppress

import psutil

from emulator.access import Capability
from emulator.errors import EmulationError
from emulator.network import Network
from emulator.tasks import RunningTask, Task
from stress.process_usage import private_memory, usage
from stress.spreads import OnAll

Numbers = dict[str, float]


class Processes:
    """CPU, memory and descriptors of processes by name, and the private memory of all of them together.

    Without tasks in the network's nodes, only those of the runner.
    """

    def __init__(self, network: Network) -> None:
        self._own = psutil.Process()
        self._task: RunningTask | None = None
        if network.access.supports(Capability.TASKS):
            self._task = network.access.start(Task("stress.tasks.processes:ProcessCounters", spread=OnAll()))
        self._spent: dict[str, float] = {}

    def measure(self, seconds: float | None) -> Numbers:
        """Return the numbers; CPU as a share of one core over the last `seconds`, None the first time."""
        memory, named = float(private_memory(self._own.pid)), {"runner": usage(self._own)}
        if self._task is not None:
            with suppress(EmulationError, OSError):  # the network may go down during a run
                answer = self._task.ask()
                memory += answer["memory"]
                named |= answer["named"]
        found: Numbers = {"run.memory": memory}
        for name, counters in named.items():
            before = self._spent.get(name)
            self._spent[name] = counters["cpu"]
            found[f"process.{name}.rss"] = counters["rss"]
            found[f"process.{name}.fds"] = counters["fds"]
            if before is not None and seconds:
                found[f"process.{name}.cpu"] = (counters["cpu"] - before) / seconds
        return found

    def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.stop()
