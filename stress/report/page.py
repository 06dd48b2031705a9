"""Page of a report, with its data reduced to an amount that a browser draws at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from heapq import nsmallest
from importlib.resources import files
from typing import Any

import numpy as np

from stress.limits import Verdict
from stress.metrics.figure_units import unit_of
from stress.records import RunResult
from stress.report.bins import bins, short
from stress.report.flow_charts import flows_of
from stress.report.limit_lines import limit_lines
from topologies.html_page import page as html_page

_PARTS = 600
_MOST_MARKS = 4000
_MOST_SAMPLES = 4000
_MOST_LANES = 48
_MOST_WINDOWS = 4000
_MOST_TIMES = 3000
_MOST_LONGEST = 15

_DRAWN_OF_WORKERS = (".host.cpu.busy", ".host.memory.used", ".host.load.1", ".host.rtnl.wait")
"""Metrics of the workers of a cluster that are drawn: metrics.csv has all."""


def page(whole: dict[str, Any], result: RunResult, verdicts: Iterable[Verdict] = ()) -> str:
    """Return the page of a report (`summary`).

    `result` gives the operations and the answers to draw, `verdicts` the limits to draw into charts.
    """
    data = {
        **{key: value for key, value in whole.items() if key not in {"figures", "probes", "traffic"}},
        "steps": [_without_slices(step) for step in whole["steps"]],
        "pairs": _pairs(whole["probes"]),
        "lanes": _lanes(whole["probes"]),
        "metrics": _thinned(whole["metrics"]),
        "units": {name: unit_of(name) for name in whole["metrics"]["series"]},
        "windows": _longest(whole["probes"]),
        "flows": flows_of(whole["traffic"], whole["seconds"]),
        "limit_lines": limit_lines(verdicts, whole["figures"]),
        "bins": bins(result, whole["seconds"], _PARTS),
        "coarse": bins(result, whole["seconds"], min(_PARTS, max(1, math.floor(whole["seconds"])))),
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


def _longest(probes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the longest loss windows of all pairs, those that never ended first."""
    every = [
        {"probe": one["probe"], "source": one["source"], "target": one["target"], "start": start, "end": end,
         "lost": lost}
        for one in probes
        for start, end, lost in one["windows"]
    ]  # fmt: skip
    endless = math.inf
    return nsmallest(_MOST_LONGEST, every, lambda one: one["start"] - (one["end"] or endless))


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
        edges = np.linspace(moments[0], moments[-1], _PARTS * 2 + 1)
        starts = np.unique(np.searchsorted(moments, edges[:-1]))
        counts, moments = np.maximum.reduceat(counts, starts), [moments[at] for at in starts.tolist()]
    return [list(pair) for pair in zip(moments, counts.tolist(), strict=True)]


def _thinned(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return at most 4,000 samples, evenly spaced, of the series that are drawn."""
    every = max(1, math.ceil(len(metrics["at"]) / _MOST_SAMPLES))
    series = {
        name: [short(value) for value in values[::every]]
        for name, values in metrics["series"].items()
        if not name.startswith("worker.") or name.endswith(_DRAWN_OF_WORKERS)
    }
    return {"at": [round(at, 3) for at in metrics["at"][::every]], "series": series}


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


def _answers(result: RunResult) -> list[list[float]]:
    """Return a sample of the probes' answers, in order of time: [time sent, round-trip seconds]."""
    times = sorted(pair for probe in result.probes for pair in probe.times)
    every = max(1, math.ceil(len(times) / _MOST_TIMES))
    return [[round(at, 3), float(f"{seconds:.4g}")] for at, seconds in times[::every]]
