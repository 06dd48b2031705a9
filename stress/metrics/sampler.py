"""Sampler of the machine's metrics: a thread that samples at an interval and accounts its own cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from emulator.network import Network
from stress.metrics import host
from stress.metrics.light_ports import LightPorts
from stress.metrics.ports import Ports
from stress.metrics.processes import Processes
from stress.metrics.rates import GAUGES, rates, shares
from stress.metrics.rtnl import LockWaits
from stress.metrics.table import Table
from stress.metrics.worker_hosts import WorkerHosts
from stress.records import Sample

_SHORTEST = 0.25
"""Smallest part of an interval to compute rates over: the kernel's clock ticks are coarse."""


class Sampler:
    """One sample at the start, one per `interval` seconds, one at the stop.

    `chosen_links` are the ports (node, port) whose counters are read. Rates need two samples: the first
    holds none.
    """

    def __init__(self, interval: float, chosen_links: Sequence[tuple[int, int]], network: Network) -> None:
        self._interval = interval
        self._ports = Ports(chosen_links, network)
        self._light = LightPorts(network)
        self._processes = Processes(network)
        self._workers = WorkerHosts(network)
        self._waits = LockWaits()
        self._samples = Table()
        self._latest: Sample | None = None
        self._before: tuple[float, dict[str, float]] | None = None
        self._stopped = threading.Event()
        self._cost = 0.0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stress-sampler", daemon=True)

    @property
    def latest(self) -> Sample | None:
        """The last sample, for a live view."""
        return self._latest

    @property
    def failure(self) -> BaseException | None:
        """Error that ended the sampling early."""
        return self._failure

    @property
    def cost(self) -> float:
        """CPU seconds used so far."""
        return self._cost

    @property
    def light_ports(self) -> dict[str, list[dict[str, Any]]]:
        """Totals of light ports over the run, by VPC and by compute host; empty without light ports."""
        return self._light.totals()

    def start(self, clock: Callable[[], float]) -> None:
        """Begin; `clock` gives the seconds since the run began."""
        self._clock = clock
        self._waits.start()
        self._thread.start()

    def stop(self) -> tuple[list[Sample], float]:
        """Take a last sample and end; return all samples and the CPU seconds that they cost."""
        self._stopped.set()
        self._thread.join()
        self._waits.stop()
        self._ports.close()
        self._light.close()
        self._processes.close()
        self._workers.close()
        return self._samples.samples(), self._cost

    def _run(self) -> None:
        """Sample until stopped. Samples keep to multiples of the interval: lateness doesn't add up."""
        begin = time.thread_time()
        try:
            due = self._clock()
            while True:
                self._sample()
                self._cost = time.thread_time() - begin
                due = max(due + self._interval, self._clock())
                if self._stopped.wait(due - self._clock()):
                    break
            self._sample()
        except BaseException as error:  # noqa: BLE001 -- `failure` returns it
            self._failure = error
        finally:
            self._cost = time.thread_time() - begin

    def _sample(self) -> None:
        now = self._clock()
        growing = host.counters() | self._ports.counters() | self._light.counters()
        before = self._before
        seconds = None if before is None else now - before[0]
        values = (
            host.gauges()
            | {"host.rtnl.wait": self._waits.longest()}
            | {name: growing.pop(name) for name in GAUGES & growing.keys()}
        )
        if before is None or seconds is None or seconds >= _SHORTEST * self._interval:
            if before is not None and seconds is not None:
                values |= shares(rates(before[1], growing, seconds))
            values |= self._processes.measure(seconds) | self._workers.values()
            self._before = (now, growing)
        self._latest = Sample(now, values)
        self._samples.add(self._latest)
