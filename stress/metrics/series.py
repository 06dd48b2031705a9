"""Sampled metrics of a run as series, and their statistics."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from stress.histogram import Histogram
from stress.records import RunResult, Sample

STATS = ("min", "mean", "p50", "p90", "p99", "p99.9", "max")
SERIES_STATS = (*STATS, "first", "last", "growth")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


class Series:
    """Values of every metric that was sampled, from the end of the warmup on."""

    def __init__(self, result: RunResult) -> None:
        self._values: dict[str, list[float]] = defaultdict(list)
        for sample in since_warmup(result):
            for name, value in sample.values.items():
                self._values[name].append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def stat(self, name: str, stat: str) -> float | None:
        """Return a statistic of a series, one of SERIES_STATS or any percentile; None when there is none."""
        values = self._values.get(name)
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


def histogram_stat(histogram: Histogram, stat: str) -> float | None:
    """Return min, mean, max or a percentile; None of an empty histogram and for other statistics."""
    if not histogram.count:
        return None
    share = _PERCENTILE.fullmatch(stat)
    if share:
        return histogram.quantile(float(share[1]) / 100)
    return {"min": histogram.min, "mean": histogram.mean, "max": histogram.max}.get(stat)


def since_warmup(result: RunResult) -> list[Sample]:
    """Return the samples from the last one of the warmup on: earlier ones aren't judged.

    At that sample everything is ready, as at the last sample of the run. So the runner's own memory,
    30 MiB for 1,000 hosts, isn't counted as growth of the network under stress.
    """
    end = next((phase.end for phase in result.phases if phase.name == "warmup"), 0.0)
    before = sum(sample.at <= end for sample in result.samples)
    return result.samples[max(before - 1, 0) :]
