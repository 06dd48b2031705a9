"""Comparison of two runs: figures that changed, apart from the noise inside the runs.

A block bootstrap (Künsch 1989, after Efron 1979): the 20 parts of a step's time are drawn again with
replacement, 1,000 times for each run. A quantile of the latencies changed when the middle 95 % of the
differences excludes zero. Parts are drawn instead of single operations, because operations in the same second
are correlated: drawn one by one, they would look more certain than they are. The means of sampled metrics
are compared by 20 parts of the run, the loss of probes by drawing pairs.

One report of each side doesn't show the noise from run to run; compare several.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from stress.metrics.figure_units import figure_unit
from stress.metrics.format import format_value
from stress.report.summary import SLICES, VERSION
from topologies.open_input import open_input
from topologies.rng import Stream

_ROUNDS = 1000
_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_LEAST = 3
"""Smallest number of parts with data for a difference to be judged."""
_PLAIN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "achieved": lambda step: step["succeeded"],
    "errors": lambda step: step["done"] - step["succeeded"],
    "skipped": lambda step: sum(step["skipped"].values()),
    "rate": lambda step: step["achieved_rate"],
}
"""Figures of a step in a report that aren't judged."""
_PROBED = ("longest", "blackhole", "windows", "rtt.p50", "rtt.p99")
_HOST = (
    "run.memory.growth", "host.memory.used.growth", "convergence.p50", "convergence.p99", "recovery.p99",
    "traffic.rate",
)  # fmt: skip
_SAME = (
    ("scenario", ("name", "duration", "steps")),
    ("network", ("engine", "nodes", "links")),
    ("machine", ("kernel", "cpu", "cores")),
)
"""Parts of the report, and their keys, that must be equal for two runs to be comparable."""
_MOST = 1 << 30
"""Largest size of a report from a pipe, in bytes."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """Figure of both runs; `low` and `high` bound the difference b - a (95 %); None: not judged."""

    figure: str
    a: float
    b: float
    low: float | None = None
    high: float | None = None

    @property
    def moved(self) -> bool | None:
        """Return whether the difference is more than noise; None when that is unknown."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    @property
    def change(self) -> str:
        """Return the change from a to b: `+12.0 %`, or `new` from zero."""
        return f"{(self.b / self.a - 1) * 100:+.1f} %" if self.a else "new" if self.b else "same"

    def __str__(self) -> str:
        unit = figure_unit(self.figure) or "count"
        words = {True: "MOVED", False: "noise", None: ""}[self.moved]
        if self.low is not None and self.high is not None:
            words += f" ({signed(self.low, unit)} to {signed(self.high, unit)})"
        a, b = (format_value(value, unit) for value in (self.a, self.b))
        columns = f"{self.figure:36} {a:>12} {b:>12} {self.change:>10}"
        return f"{columns}  {words}".rstrip()


def signed(value: float, unit: str) -> str:
    """Return a difference with its sign."""
    return ("+" if value >= 0 else "") + format_value(value, unit)


def compare(a: Path, b: Path) -> tuple[list[Row], list[str]]:
    """Return the figures of two reports (files or folders) side by side, and cautions.

    UsageError when a report can't be read.
    """
    one, other = _report(a), _report(b)
    return compared(one, other), cautions(one, other)


def cautions(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Return the reasons why the difference of two runs may be misleading, a line each."""
    found = []
    for part, keys in _SAME:
        one, other = a.get(part) or {}, b.get(part) or {}
        differing = [key for key in keys if one.get(key) != other.get(key)]
        if differing:
            found.append(f"the {part}s differ: {', '.join(differing)}")
    for which, report in (("A", a), ("B", b)):
        if report.get("aborted") or report.get("interrupted"):
            found.append(f"{which} ended early: {report.get('aborted') or report['interrupted']}")
        found += [f"{which} is unreliable: {words}" for words in report.get("doubts", ())]
    return found


def compared(a: dict[str, Any], b: dict[str, Any]) -> list[Row]:
    """Return the figures that both reports have: steps, probes, the machine."""
    return [*_steps(a, b), *_probes(a, b), *_machine(a, b)]


def as_json(rows: list[Row], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the rows and the cautions as plain data."""
    return {"figures": [{**asdict(row), "moved": row.moved} for row in rows], "cautions": list(notes)}


def _report(path: Path) -> dict[str, Any]:
    """Return the report in the file or folder."""
    if path.is_dir():
        path /= "report.json"
    try:
        with open_input(path, _MOST) as file:
            whole = json.load(file)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not the report.json of a stress run") from error
    version = whole.get("version") if isinstance(whole, dict) else None
    if version is not None and version != VERSION:
        raise UsageError(f"{path}: report of version {version}; this reads version {VERSION}")
    if version is None or not isinstance(whole.get("figures"), dict):
        raise UsageError(f"{path} is not the report.json of a stress run")
    return dict(whole)


def _plain(a: dict[str, Any], b: dict[str, Any], figures: Iterator[str]) -> Iterator[Row]:
    """Yield the figures that aren't judged and that both runs have."""
    for figure in figures:
        if figure in a["figures"] and figure in b["figures"]:
            yield Row(figure, a["figures"][figure], b["figures"][figure])


def _steps(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Row]:
    others = {step["step"]: step for step in b["steps"]}
    for step in a["steps"]:
        name, other = step["step"], others.get(step["step"])
        if other is None:
            continue
        for figure, of in _PLAIN.items():
            if of(step) is not None and of(other) is not None and f"{name}.{figure}" not in _HOST:
                yield Row(f"{name}.{figure}", of(step), of(other))  # traffic.rate is of flows
        one, two = step["latency"], other["latency"]
        if not one or not two:
            continue
        draws = [_quantiles(found["slices"], f"{name} {which}") for which, found in (("a", one), ("b", two))]
        bounds = _bounds(*draws)
        for at, figure in enumerate(_SHARES):
            yield Row(f"{name}.latency.{figure}", one[figure], two[figure], *bounds[at])


def _quantiles(slices: list[list[list[float]]], words: str) -> Floats | None:
    """Return the quantiles of resampled slices: float64[rounds, shares]; None for too few slices."""
    filled = [part for part in slices if part]
    if len(filled) < _LEAST:
        return None
    seconds = np.unique([bucket[0] for part in filled for bucket in part])
    counts = np.zeros((len(filled), len(seconds)))
    for at, part in enumerate(filled):
        counts[at, np.searchsorted(seconds, [bucket[0] for bucket in part])] = [bucket[1] for bucket in part]
    found = np.empty((_ROUNDS, len(_SHARES)))
    for number, weights in enumerate(_weights(len(filled), words)):
        running = np.cumsum(weights @ counts)
        ranks = [math.ceil(share * running[-1]) for share in _SHARES.values()]
        found[number] = seconds[np.searchsorted(running, ranks)]
    return found


def _weights(parts: int, words: str) -> Floats:
    """Return the number of draws of each part in each round: float64[rounds, parts]."""
    drawn = Stream(0, "compare", words).integers(parts, parts * _ROUNDS).reshape(_ROUNDS, parts)
    found = np.zeros((_ROUNDS, parts))
    np.add.at(found, (np.arange(_ROUNDS)[:, None], drawn), 1.0)
    return found


def _bounds(a: Floats | None, b: Floats | None) -> list[tuple[float | None, float | None]]:
    """Return for each column the bounds of the middle 95 % of the differences b - a."""
    if a is None or b is None:
        return [(None, None)] * len(_SHARES)
    low, high = np.quantile(b - a, [0.025, 0.975], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _means(values: Floats, weights: Floats, words: str) -> Floats | None:
    """Return the weighted means of resampled parts: float64[rounds, 1]."""
    if len(values) < _LEAST or not weights.sum():
        return None
    drawn = _weights(len(values), words)
    whole = drawn @ weights
    return ((drawn @ (values * weights)) / np.where(whole == 0, 1.0, whole))[:, None]


def _probes(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Row]:
    """Yield loss, judged by drawing pairs, and other figures of each probe."""
    for group in a["probe_groups"]:
        name = group["probe"]
        other = next((one for one in b["probe_groups"] if one["probe"] == name), None)
        if other is None or group["loss"] is None or other["loss"] is None:
            continue
        draws = []
        for which, report in (("a", a), ("b", b)):
            pairs = [pair for pair in report["probes"] if pair["probe"] == name]
            losses = np.array([pair["loss"] for pair in pairs])
            draws.append(_means(losses, np.array([float(pair["sent"]) for pair in pairs]), f"{name} {which}"))
        yield Row(f"{name}.loss", group["loss"], other["loss"], *_bounds(*draws)[0])
        yield from _plain(a, b, (f"{name}.{figure}" for figure in _PROBED))


def _machine(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Row]:
    """Yield the means of the sampled metrics of the machine, judged by parts of the run."""
    yield from _plain(a, b, iter(_HOST))
    one, two = a["metrics"]["series"], b["metrics"]["series"]
    for name in sorted(one.keys() & two.keys()):
        if name.startswith(("host.cpu.core", "port.")):
            continue
        series = [np.array([value for value in found[name] if value is not None]) for found in (one, two)]
        if any(not len(values) for values in series):
            continue
        draws = [_means(_parts(values), np.ones(min(SLICES, len(values))), f"{name} {which}")
                 for which, values in zip("ab", series, strict=True)]  # fmt: skip
        low, high = _bounds(*draws)[0]
        yield Row(f"{name}.mean", float(series[0].mean()), float(series[1].mean()), low, high)


def _parts(values: Floats) -> Floats:
    """Return the means of up to 20 parts of a series."""
    return np.array([part.mean() for part in np.array_split(values, min(SLICES, len(values)))])
