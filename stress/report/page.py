"""Page of a report, with its data reduced to an amount that a browser draws at once."""

from __future__ import annotations

import math
from collections import defaultdict
from importlib.resources import files
from typing import Any

import numpy as np

from stress.metrics.figure_units import unit_of
from stress.outcomes import Floats, Outcomes
from stress.records import RunResult
from topologies.html_page import page as html_page

_BINS = 600
_MOST_MARKS = 4000
_MOST_SAMPLES = 4000
_MOST_LANES = 48
_MOST_WINDOWS = 4000
_MOST_TIMES = 3000

_DRAWN_OF_WORKERS = (".host.cpu.busy", ".host.memory.used", ".host.load.1", ".host.rtnl.wait")
"""Metrics of the workers of a cluster that are drawn: metrics.csv has all."""

_NONE = (None, None, None)


def page(whole: dict[str, Any], result: RunResult) -> str:
    """Return the page of a report (`summary`); `result` gives the operations and the answers to draw."""
    data = {
        **{key: value for key, value in whole.items() if key not in {"figures", "probes"}},
        "steps": [_without_slices(step) for step in whole["steps"]],
        "pairs": _pairs(whole["probes"]),
        "lanes": _lanes(whole["probes"]),
        "metrics": _thinned(whole["metrics"]),
        "units": {name: unit_of(name) for name in whole["metrics"]["series"]},
        "bins": _bins(result, whole["seconds"]),
        "marks": _marks(result),
        "answers": _answers(result),
        "tiles": {name: whole["figures"].get(name) for name in _TILES},
    }
    parts = files("stress.report")
    scripts = [parts.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in ("chart", "page")]
    return html_page(
        "stress.report",
        "report.html.j2",
        f"{whole['scenario'].get('name', 'stress')} on {whole['network'].get('name', '')}",
        finite(data),
        css=parts.joinpath("page.css").read_text(encoding="utf-8"),
        script="".join(scripts),
    )


_TILES = ("offered", "achieved", "errors", "skipped", "rate", "latency.p50", "latency.p99", "latency.max",
          "probe.loss", "probe.rtt.p50", "probe.rtt.p99", "probe.longest", "probe.blackhole", "probe.cpu",
          "convergence.p50", "convergence.p99", "convergence.events",
          "host.cpu.busy.mean", "host.cpu.busy.max", "host.memory.used.growth", "run.memory.growth",
          "sampler.cpu",
          "traffic.rate", "traffic.flows")  # fmt: skip


def finite(value: Any) -> Any:
    """Return `value` with null for numbers that JSON can't represent."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return value


def _without_slices(step: dict[str, Any]) -> dict[str, Any]:
    found = step["latency"]
    return {**step, "latency": found and {key: value for key, value in found.items() if key != "slices"}}


def _pairs(probes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pairs with the most losses, for the table."""
    return sorted(probes, key=lambda one: -one["loss"])[:30]


def _lanes(probes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the pairs with loss windows, those with the most lost probes, and the number left out."""
    hit = sorted((one for one in probes if one["windows"]), key=lambda one: -(one["sent"] - one["answered"]))
    lanes, room = [], _MOST_WINDOWS
    for one in hit[:_MOST_LANES]:
        windows = one["windows"][: max(room, 1)]
        room -= len(windows)
        lanes.append(
            {"name": f"{one['source']} → {one['target']}", "probe": one["probe"], "windows": windows}
        )
    return {"lanes": lanes, "more": len(hit) - len(lanes), "failing": _failing(probes)}


def _failing(probes: list[dict[str, Any]]) -> list[list[float | int | None]]:
    """Return the number of pairs without an answer, as steps [seconds, count] at each change."""
    changes: dict[float, int] = defaultdict(int)
    for one in probes:
        for start, end, _lost in one["windows"]:
            changes[start] += 1
            if end is not None:
                changes[end] -= 1
    moments = sorted(changes)
    counts = np.cumsum([changes[moment] for moment in moments], dtype=np.int64)
    if len(moments) > _MOST_SAMPLES:  # the highest of each part, at its start
        edges = np.linspace(moments[0], moments[-1], _BINS * 2 + 1)
        starts = np.unique(np.searchsorted(moments, edges[:-1]))
        counts, moments = np.maximum.reduceat(counts, starts), [moments[at] for at in starts.tolist()]
    return [list(pair) for pair in zip(moments, counts.tolist(), strict=True)]


def _thinned(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return at most 4,000 samples, evenly spaced, of the series that are drawn."""
    every = max(1, math.ceil(len(metrics["at"]) / _MOST_SAMPLES))
    series = {
        name: [_short(value) for value in values[::every]]
        for name, values in metrics["series"].items()
        if not name.startswith("worker.") or name.endswith(_DRAWN_OF_WORKERS)
    }
    return {"at": [round(at, 3) for at in metrics["at"][::every]], "series": series}


def _short(value: float | None) -> float | None:
    """Return the number with six digits: a chart shows no more."""
    return None if value is None else float(f"{value:.6g}")


def _marks(result: RunResult) -> list[list[Any]]:
    """Return up to 4,000 operations, equally many of each step: [seconds, step, verb, target, error]."""
    outcomes = result.outcomes
    room = _MOST_MARKS // max(len(result.offered), 1)
    steps, places = [], []
    for number, name in enumerate(result.offered):
        mine = np.flatnonzero(outcomes.of_step(name) & ~outcomes.skipped)
        every = max(1, math.ceil(len(mine) / room))
        told = outcomes.failed[mine]
        told[::every] = True
        chosen = mine[told][: 2 * room]
        places.append(chosen)
        steps.append(np.full(len(chosen), number))
    if not places:
        return []
    place, step = np.concatenate(places), np.concatenate(steps)
    order = np.argsort(outcomes.due[place], kind="stable")
    found = []
    for number, at in zip(step[order].tolist(), place[order].tolist(), strict=True):
        one = outcomes[at]
        targets = ", ".join(one.operation.targets)
        found.append([round(one.operation.at, 4), number, one.operation.verb, targets, one.error])
    return found


def _bins(result: RunResult, seconds: float) -> dict[str, Any]:
    """Return the operations in 600 equal parts of the run: counts per step, rates, latencies."""
    outcomes = result.outcomes
    if not len(outcomes) or seconds <= 0:
        return {"at": [], "steps": []}
    edges = np.linspace(0.0, seconds, _BINS + 1)
    width = seconds / _BINS
    failed = outcomes.failed

    def rate(moments: Floats) -> list[float]:
        return [round(float(count) / width, 3) for count in np.histogram(moments, edges)[0]]

    ended = outcomes.finished
    return {
        "at": [round(float(at), 4) for at in (edges[:-1] + edges[1:]) / 2],
        "width": width,
        "rates": {"due": rate(outcomes.due), "done": rate(ended[~failed]), "failed": rate(ended[failed])},
        "latency": _latencies(outcomes, edges),
        "steps": [_lane(name, outcomes, edges) for name in result.offered],
    }


def _lane(name: str, outcomes: Outcomes, edges: Floats) -> dict[str, Any]:
    """Return two counts for each part: operations of a step due in it, and failed ones among them."""
    mine = outcomes.of_step(name)
    counts = np.histogram(outcomes.due[mine], edges)[0]
    failed = np.histogram(outcomes.due[mine & outcomes.failed], edges)[0]
    return {"name": name, "counts": counts.tolist(), "failed": failed.tolist()}


def _latencies(outcomes: Outcomes, edges: Floats) -> dict[str, list[float | None]]:
    """Return median, p99 and longest latency of the operations that were due in each part."""
    timed = np.flatnonzero(~(outcomes.failed | outcomes.skipped))
    part = np.searchsorted(edges, outcomes.due[timed], side="right") - 1
    part = np.clip(part, 0, len(edges) - 2).astype(np.int16)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=len(edges) - 1)).tolist()
    found: dict[str, list[float | None]] = {"p50": [], "p99": [], "max": []}
    for begin, end in zip([0, *ends], ends, strict=False):
        some = timed[order[begin:end]]
        took = outcomes.finished[some] - outcomes.due[some]
        values = np.quantile(took, [0.5, 0.99, 1.0], method="inverted_cdf").tolist() if len(some) else _NONE
        for key, value in zip(found, values, strict=True):
            found[key].append(_short(value))
    return found


def _answers(result: RunResult) -> list[list[float]]:
    """Return a sample of the probes' answers, in order of time: [time sent, round-trip seconds]."""
    times = sorted(pair for probe in result.probes for pair in probe.times)
    every = max(1, math.ceil(len(times) / _MOST_TIMES))
    return [[round(at, 3), float(f"{seconds:.4g}")] for at, seconds in times[::every]]
