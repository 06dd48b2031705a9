"""The figures of a run by name: what limits judge, reports print, and two runs are compared by.

`Figures.get` answers for any name of the grammar (docs/stress-report.md), with any percentile; None is
"was not measured".
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from stress.histogram import Histogram
from stress.metrics.convergence import Convergence, convergence, end_of
from stress.metrics.operations import Operations, actions
from stress.metrics.units import ALIASES, STAT
from stress.records import ProbeRecord, RunRecord, Sample

STATS = ("min", "mean", "p50", "p90", "p99", "p99.9", "max")
SERIES_STATS = (*STATS, "first", "last", "growth")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


class Figures:
    """The figures of one run."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._seconds = end_of(record)
        self.actions = actions(record)
        """Step -> its action, "" when nothing says which."""
        kinds = list(self.actions.values())
        self._shared = {action for action in kinds if kinds.count(action) > 1}
        counted = Operations(record, self.actions, self.of_step)
        self.values: dict[str, float] = counted.values
        """Plain figures; those of histograms and series are computed when asked for."""
        self.rates: dict[str, tuple[float, float]] = counted.rates
        """Operations per second of a step or action, and those planned: `traffic.rate` means the flows'."""
        self.histograms: dict[str, Histogram] = counted.histograms
        self.convergence: Convergence = convergence(record)
        self._of_probes()
        self._of_convergence()
        self._of_the_rest()

    def get(self, name: str, bare: str = "max") -> float | None:
        """Return a figure, or None when it wasn't measured. `bare` is what a series alone stands for."""
        if name in self.values:
            return self.values[name]
        found = STAT.fullmatch(name)
        if found:
            base, stat = found.groups()
            if base in self.histograms:
                return of_histogram(self.histograms[base], stat)
            return self._of_series(ALIASES.get(base, base), stat)
        return self._of_series(ALIASES.get(name, name), bare)

    def of_step(self, step: str) -> str:
        """Return what the names of a step's own figures begin with.

        A name that is both a step's and the action of several means in a limit all of that action.
        """
        return f"{step}:." if step in self._shared else f"{step}."

    def all(self) -> dict[str, float]:
        """Return every figure under its usual names."""
        found = {name: value for name, value in self.values.items() if ":" not in name}
        for base, histogram in self.histograms.items():
            if histogram.count and ":" not in base:
                found |= {f"{base}.{stat}": of_histogram(histogram, stat) or 0.0 for stat in STATS}
        for base in self._series:
            for stat in SERIES_STATS:
                value = self._of_series(base, stat)
                if value is not None:
                    found[f"{base}.{stat}"] = value
        return found

    @cached_property
    def _series(self) -> dict[str, list[float]]:
        series: dict[str, list[float]] = defaultdict(list)
        for sample in since_warmup(self._record):
            for name, value in sample.values.items():
                series[name].append(value)
        return series

    def _of_series(self, name: str, stat: str) -> float | None:
        values = self._series.get(name)
        if not values:
            return None
        if stat in {"first", "last"}:
            return values[0 if stat == "first" else -1]
        if stat == "growth":
            return values[-1] - values[0] if len(values) > 1 else None
        share = _PERCENTILE.fullmatch(stat)
        if share:
            return float(np.quantile(values, float(share[1]) / 100, method="inverted_cdf"))
        simple: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max, "mean": math.fsum}
        return simple[stat](values) / (len(values) if stat == "mean" else 1)

    def _of_probes(self) -> None:
        groups: dict[str, list[ProbeRecord]] = defaultdict(list)
        for probe in self._record.probes:
            groups[probe.probe].append(probe)
        for name, probes in groups.items():
            self._probes(name, probes)
        if groups:
            self._probes("probe", self._record.probes)

    def _probes(self, name: str, probes: list[ProbeRecord]) -> None:
        sent = sum(probe.sent for probe in probes)
        windows = [
            (window.end or self._seconds) - window.start for probe in probes for window in probe.windows
        ]
        self.values |= {
            f"{name}.pairs": len(probes), f"{name}.sent": sent,
            f"{name}.answered": sum(probe.answered for probe in probes),
            f"{name}.late": sum(probe.late for probe in probes),
            f"{name}.unasked": sum(probe.unasked for probe in probes),
        }  # fmt: skip
        if sent:
            self.values |= {
                f"{name}.loss": 1 - self.values[f"{name}.answered"] / sent,
                f"{name}.windows": len(windows), f"{name}.blackhole": math.fsum(windows),
                f"{name}.longest": max(windows, default=0.0),
            }  # fmt: skip
        self.histograms[f"{name}.rtt"] = round_trips(probes)

    def _of_convergence(self) -> None:
        if not any(probe.sent for probe in self._record.probes):
            return
        for step in (None, *dict.fromkeys(self._names())):
            prefix = f"{step}." if step else ""
            found = self.convergence.histogram(step)
            self.histograms[f"{prefix}convergence"] = found if found.count else Histogram([0.0])
            self.values[f"{prefix}convergence.events"] = found.count
            self.values[f"{prefix}convergence.unfinished"] = self.convergence.unfinished(step)
            self.histograms[f"{prefix}recovery"] = self.convergence.recoveries(step)

    def _names(self) -> Iterable[str]:
        for step, action in self.actions.items():
            yield step
            if action:
                yield action

    def _of_the_rest(self) -> None:
        record = self._record
        self.values |= {
            "leaks": len(record.leaks.leaked),
            "doubts": len(record.doubts),
            "seconds": self._seconds,
        }
        if self._seconds > 0 and record.samples:
            self.values["sampler.cpu"] = record.sampler_cost / self._seconds
        if self._seconds > 0 and record.probe_cost:
            self.values["probe.cpu"] = record.probe_cost / self._seconds
        for ramp in record.ramps:
            self.values[f"{ramp.get('step')}.last_good"] = float(ramp.get("last_good", 0))
        if record.traffic:  # a flow that failed carried what it carried: it may be the slowest
            bits = [
                flow.get("received_bytes", 0) * 8 / (flow.get("seconds") or 1.0) for flow in record.traffic
            ]
            self.values |= {
                "traffic.rate": sum(bits),
                "traffic.slowest": min(bits),
                "traffic.flows": len(bits),
                "traffic.failed": sum(bool(flow.get("error")) for flow in record.traffic),
            }


def of_histogram(histogram: Histogram, stat: str) -> float | None:
    """Return min, mean, max or a percentile; None of nothing, and of what histograms don't know."""
    if not histogram.count:
        return None
    share = _PERCENTILE.fullmatch(stat)
    if share:
        return histogram.quantile(float(share[1]) / 100)
    return {"min": histogram.min, "mean": histogram.mean, "max": histogram.max}.get(stat)


def round_trips(probes: Iterable[ProbeRecord]) -> Histogram:
    """Return the round-trip times of several probes; pairs of one probe share their histogram."""
    merged = Histogram()
    seen: set[int] = set()
    for probe in probes:
        if probe.histogram is None:
            merged.add_all([seconds for _, seconds in probe.times])
        elif id(probe.histogram) not in seen:
            seen.add(id(probe.histogram))
            merged.merge(probe.histogram)
    return merged


def since_warmup(record: RunRecord) -> list[Sample]:
    """Return the samples from the last one before the warmup ended on: what comes before isn't judged.

    At that one all is there and the workers are ready, as all is there again at the last one. What the
    runner needs for itself, 30 MiB for 1,000 hosts, is no growth of what it shakes.
    """
    end = next((phase.end for phase in record.phases if phase.name == "warmup"), 0.0)
    before = sum(sample.at <= end for sample in record.samples)
    return record.samples[max(before - 1, 0) :]
