"""Start the probes of a run: by a task where the nodes are, or by rounds of pings where it can't run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from emulator.access import Capability
from emulator.network import Network
from emulator.tasks import RunningTask, Task
from stress.probes.asker import Asker
from stress.probes.batch import BatchAsker
from stress.probes.command import CommandAsker
from stress.probes.group import ProbeGroup
from stress.probes.plain import plain_specs, records_of
from stress.probes.specs import ProbeKeys, ResolvedProbe, resolve
from stress.probes.spread import ProbesSpread
from stress.records import ProbeRecord

Clock = Callable[[], float]


class TaskProbes:
    """Probes that a task sends where the nodes are (`stress.tasks.probes`)."""

    def __init__(self, task: RunningTask) -> None:
        self._task = task
        self._cost = 0.0

    def wrong(self) -> int:
        """Return the number of pairs without a correct answer to their last settled probe."""
        return int(self._task.ask()["wrong"])

    def answered(self) -> int:
        """Return the number of probes answered."""
        return int(self._task.ask()["answered"])

    @property
    def cost(self) -> float:
        """CPU seconds that probing used, without commands; known after `stop`."""
        return self._cost

    @property
    def failure(self) -> BaseException | None:
        """Error that ended a probe early."""
        return self._task.failure

    def stop(self) -> list[ProbeRecord]:
        """Send nothing more, wait a moment for the last answers, and return the results."""
        found = self._task.stop()
        self._cost = found["cost"]
        return records_of(found["records"])


def start_probes(
    probes: Sequence[ProbeKeys], network: Network, clock: Clock, seed: int = 0
) -> TaskProbes | ProbeGroup:
    """Start the probes. `clock` gives the seconds since the run began, `seed` the pairs.

    Raises ParameterError when nothing matches a probe's selection, UnableError for too many sockets.
    """
    specs = resolve(probes, network, seed)
    if network.access.supports(Capability.TASKS):
        arguments = {"specs": plain_specs(specs), "origin": time.monotonic() - clock()}
        task = Task("stress.tasks.probes:Probes", arguments, ProbesSpread())
        return TaskProbes(network.access.start(task))
    timeout = max((spec.timeout for spec in specs), default=0.0)
    return ProbeGroup([_without_sockets(spec, network, clock) for spec in specs], timeout, clock)


def _without_sockets(spec: ResolvedProbe, network: Network, clock: Clock) -> Asker:
    names, access = network.topology.names, network.access
    asker = CommandAsker if spec.kind == "command" else BatchAsker
    return asker(spec, names, access, clock)
