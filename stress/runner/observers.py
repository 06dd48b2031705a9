"""Observers of a run: the sampler of the machine and the probes, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from emulator.network import Network
from stress.preflight import watched_ports
from stress.records import ProbeRecord, RunResult, Sample
from stress.scenario.model import Scenario

Clock = Callable[[], float]

COUNTS = ("host.namespaces", "host.interfaces", "host.sockets", "host.memory.used")
"""Metrics whose values before and after a run reveal leaks."""


class Watcher(Protocol):
    """Protocol of a sampler of the machine."""

    @property
    def failure(self) -> BaseException | None:
        """Error that ended it early."""
        ...

    @property
    def latest(self) -> Sample | None:
        """The last sample, for a live view."""
        ...

    @property
    def light_ports(self) -> dict[str, list[dict[str, Any]]]:
        """Totals of light ports over the run, by VPC and by compute host; empty without light ports."""
        ...

    def start(self, clock: Clock) -> None:
        """Begin."""
        ...

    def stop(self) -> tuple[list[Sample], float]:
        """End; return the samples and their cost in CPU seconds."""
        ...


class RunningProbes(Protocol):
    """Protocol of running probes."""

    @property
    def failure(self) -> BaseException | None:
        """Error that ended one of them early."""
        ...

    @property
    def cost(self) -> float:
        """CPU seconds that probing used; known after `stop`."""
        ...

    def stop(self) -> list[ProbeRecord]:
        """End; return the results."""
        ...

    def wrong(self) -> int:
        """Return the number of pairs without a correct answer now."""
        ...


class Observers:
    """The sampler and the probes of one run."""

    def __init__(self, scenario: Scenario, network: Network, clock: Clock, seed: int) -> None:
        self._scenario = scenario
        self._network = network
        self._clock = clock
        self._seed = seed
        self._sampler: Watcher | None = None
        self._probes: RunningProbes | None = None
        self._samples: list[Sample] = []

    def start(self) -> None:
        """Begin to sample and to probe."""
        ports = watched_ports(self._scenario, self._network.topology, self._seed)
        chosen = [(target.number, target.port) for target in ports]
        self._sampler = create_sampler(self._scenario.metrics.interval, chosen, self._network)
        self._sampler.start(self._clock)
        if self._scenario.probes:
            self._probes = create_probes(self._scenario.probes, self._network, self._clock, self._seed)

    def stop(self, result: RunResult) -> None:
        """End, and put the results into `result`; raise the error that ended one of them early."""
        try:
            if self._probes is not None:
                result.probes = self._probes.stop()
                result.probe_cost = self._probes.cost
        finally:
            if self._sampler is not None:
                result.samples, result.sampler_cost = self._sampler.stop()
                self._samples = result.samples
                result.light_ports = self._sampler.light_ports
        for one in (self._probes, self._sampler):
            if one is not None and one.failure is not None:
                raise one.failure

    def wrong(self) -> int:
        """Return the number of pairs without a correct answer now."""
        return self._probes.wrong() if self._probes is not None else 0

    def latest(self) -> Sample | None:
        """Return the last sample of the machine, for a live view."""
        return self._sampler.latest if self._sampler is not None else None

    def counts(self) -> dict[str, tuple[float, float]]:
        """Return the counts of the first and the last sample."""
        if not self._samples:
            return {}
        first, last = self._samples[0].values, self._samples[-1].values
        return {name: (first[name], last[name]) for name in COUNTS if name in first and name in last}


def create_sampler(interval: float, chosen: Sequence[tuple[int, int]], network: Network) -> Watcher:
    """Return a sampler; the module is imported when a run begins."""
    from stress.metrics.sampler import Sampler

    return Sampler(interval, chosen, network)


def create_probes(specs: Sequence[Any], network: Network, clock: Clock, seed: int) -> RunningProbes:
    """Return running probes; the module is imported when a run begins."""
    from stress.probes.start import start_probes

    return start_probes(specs, network, clock, seed)
