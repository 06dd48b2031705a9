"""Operations of a run in equal parts of its time, for the charts of the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from stress.outcomes import Floats, Outcomes
from stress.records import RunResult

_NONE = (None, None, None)


def bins(result: RunResult, seconds: float, parts: int) -> dict[str, Any]:
    """Return the operations in equal parts of the run: counts per step, rates, latencies."""
    outcomes = result.outcomes
    if not len(outcomes) or seconds <= 0:
        return {"at": [], "steps": []}
    edges = np.linspace(0.0, seconds, parts + 1)
    width = seconds / parts
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
            found[key].append(short(value))
    return found


def short(value: float | None) -> float | None:
    """Return the number with six digits: a chart shows no more."""
    return None if value is None else float(f"{value:.6g}")
