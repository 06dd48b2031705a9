"""Figures of a run by name, for limits, reports and comparisons; `figure_table` lists them.

`Figures.get` returns any of them, with any percentile; None for one that wasn't measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from stress.histogram import Histogram
from stress.metrics.convergence import Convergence, convergence, end_of
from stress.metrics.figure_units import ALIASES, STAT
from stress.metrics.operations import Operations, actions
from stress.metrics.probe_figures import ProbeFigures
from stress.metrics.series import SERIES_STATS, STATS, Series, histogram_stat
from stress.records import RunResult


class Figures:
    """Figures of one run."""

    def __init__(self, result: RunResult) -> None:
        self._result = result
        self._seconds = end_of(result)
        self.actions = actions(result)
        """Step -> its action, "" where that is unknown."""
        kinds = list(self.actions.values())
        self._shared = {action for action in kinds if kinds.count(action) > 1}
        counted = Operations(result, self.actions, self.of_step)
        self.values: dict[str, float] = counted.values
        """Plain figures; those of histograms and series are computed on demand."""
        self.rates: dict[str, tuple[float, float]] = counted.rates
        """Achieved and planned operations per second of a step or action: `traffic.rate` is the flows'."""
        self.histograms: dict[str, Histogram] = counted.histograms
        self.convergence: Convergence = convergence(result)
        probes = ProbeFigures(result.probes, self._seconds)
        self.values |= probes.values
        self.histograms |= probes.histograms
        self._of_convergence()
        self._of_the_rest()

    @cached_property
    def _series(self) -> Series:
        return Series(self._result)

    def get(self, name: str, bare: str = "max") -> float | None:
        """Return a figure, or None when it wasn't measured. `bare` is the statistic of a bare series."""
        if name in self.values:
            return self.values[name]
        found = STAT.fullmatch(name)
        if found:
            base, stat = found.groups()
            if base in self.histograms:
                return histogram_stat(self.histograms[base], stat)
            return self._series.stat(ALIASES.get(base, base), stat)
        return self._series.stat(ALIASES.get(name, name), bare)

    def of_step(self, step: str) -> str:
        """Return the prefix of the names of a step's own figures.

        In a limit, a name that is both a step's and the action of several steps means all of that action.
        """
        return f"{step}:." if step in self._shared else f"{step}."

    def all(self) -> dict[str, float]:
        """Return every figure under its usual names."""
        found = {name: value for name, value in self.values.items() if ":" not in name}
        for base, histogram in self.histograms.items():
            if histogram.count and ":" not in base:
                found |= {f"{base}.{stat}": histogram_stat(histogram, stat) or 0.0 for stat in STATS}
        for base in self._series:
            for stat in SERIES_STATS:
                value = self._series.stat(base, stat)
                if value is not None:
                    found[f"{base}.{stat}"] = value
        return found

    def _of_convergence(self) -> None:
        if not any(probe.sent for probe in self._result.probes):
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
        result = self._result
        self.values |= {
            "leaks": len(result.leaks.leaked),
            "doubts": len(result.warnings),
            "seconds": self._seconds,
        }
        if self._seconds > 0 and result.samples:
            self.values["sampler.cpu"] = result.sampler_cost / self._seconds
        if self._seconds > 0 and result.probe_cost:
            self.values["probe.cpu"] = result.probe_cost / self._seconds
        for ramp in result.ramps:
            self.values[f"{ramp.get('step')}.last_good"] = float(ramp.get("last_good", 0))
        if result.traffic:  # a failed flow counts with the data it carried: it may be the slowest
            bits = [
                flow.get("received_bytes", 0) * 8 / (flow.get("seconds") or 1.0) for flow in result.traffic
            ]
            self.values |= {
                "traffic.rate": sum(bits),
                "traffic.slowest": min(bits),
                "traffic.flows": len(bits),
                "traffic.failed": sum(bool(flow.get("error")) for flow in result.traffic),
            }
