"""Metrics of a run in progress for Prometheus: `--prometheus 9750`, on the loopback by default.

Nothing is computed before a scrape. Needs prometheus_client, an optional dependency.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emulator.errors import UnableError, UsageError
from stress.histogram import Histogram
from stress.rolling_latency import RollingLatency, workers_of

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from stress.runner import RunStatus

LOOPBACK = "127.0.0.1"
PORT = 9750
_BOUNDS = tuple(mantissa * 10.0**power for power in range(-5, 2) for mantissa in (1, 2.5, 5))
"""Upper bounds of the latency buckets: 10 us to 50 s."""
_MOST_PORT = 65535

Look = Callable[["RunStatus"], None]


def address_of(text: str) -> tuple[str, int]:
    """Return (address, port) of `9750`, `0.0.0.0:9750` or `[::1]:9750`; UsageError for anything else."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= _MOST_PORT:
        raise UsageError(
            f"`{text}` is not a port; write for example `{PORT}`, or `0.0.0.0:{PORT}` for everybody"
        )
    return host.strip("[]") or LOOPBACK, int(port)


@contextmanager
def served(text: str) -> Iterator[tuple[Look, str]]:
    """Serve a run; yield the function that the runner calls regularly, and the address.

    Raises UsageError for a bad address, UnableError when the package is missing or the port is taken.
    """
    host, port = address_of(text)
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        raise UnableError(
            f"--prometheus needs prometheus_client: `{sys.executable} -m pip install prometheus_client` "
            "(the extra `prometheus` of this package)"
        ) from error
    collector = RunCollector()
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UnableError(f"can't serve at {host}:{port}: {error.strerror}; give another port") from error
    try:
        shown = f"[{host}]" if ":" in host else host
        yield collector.look, f"http://{shown}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class RunCollector:
    """Collector that answers a scrape from the last status of the run."""

    def __init__(self) -> None:
        self._watch: RunStatus | None = None
        self._recent = RollingLatency(1)
        self._lock = threading.Lock()

    def look(self, watch: RunStatus) -> None:
        """Remember the status of the run."""
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the run; nothing before it has begun."""
        watch = self._watch
        if watch is None:
            return
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        yield GaugeMetricFamily("emulator_stress_seconds", "Since the run began", watch.clock())
        yield GaugeMetricFamily(
            "emulator_stress_scheduled", "Operations of the schedule", len(watch.schedule)
        )
        yield CounterMetricFamily("emulator_stress_operations", "Operations done", watch.done())
        yield CounterMetricFamily("emulator_stress_errors", "Operations that failed", watch.errors())
        phase = GaugeMetricFamily("emulator_stress_phase", "What goes on", labels=["phase"])
        phase.add_metric([watch.phase], 1)
        yield phase
        with self._lock:
            self._recent.update(workers_of(watch))
            buckets = cumulative(self._recent.all)
            total = self._recent.all.total
        latency = HistogramMetricFamily("emulator_stress_latency_seconds", "From when operations were due")
        latency.add_metric([], buckets, total)
        yield latency
        if watch.observers is not None:
            yield GaugeMetricFamily("emulator_stress_failing_probes", "Probes without a right answer",
                                    watch.observers.wrong())  # fmt: skip
            sample = watch.observers.latest()
            if sample is not None:
                machine = GaugeMetricFamily("emulator_stress_sample", "Of the machine", labels=["metric"])
                for name, value in sample.values.items():
                    machine.add_metric([name], value)
                yield machine


def cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    """Return (upper bound, count of values up to it), as in Prometheus; the last bound is +Inf."""
    found, count, at = [], 0, 0
    buckets = histogram.buckets()
    for bound in _BOUNDS:
        while at < len(buckets) and buckets[at][0] <= bound:
            count += buckets[at][1]
            at += 1
        found.append((f"{bound:g}", float(count)))
    return [*found, ("+Inf", float(histogram.count))]
