"""Limits as lines in the charts of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stress.limits import Verdict
from stress.metrics.figure_table import figure_of
from stress.metrics.figure_units import ALIASES, STAT

_CHARTS = {
    "[WHO.[VERB.]]latency.STAT": "latency",
    "[WHO.]convergence.STAT": "convergence",
    "PROBE.rtt.STAT": "round trips",
    "[WHO.]rate": "operations",
    "traffic.rate": "flows",
    "traffic.slowest": "flows",
}
"""Forms of figures whose bound is a height of a chart that isn't of a sampled metric."""


def limit_lines(verdicts: Iterable[Verdict], figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the limits that a chart can show: {"chart", "line", "at", "text", "held", "below"}.

    `chart` is a name of _CHARTS or the sampled metric, `at` the height in the metric's base unit. `line` is
    the line of the chart that the limit is about: a statistic, or the metric. `below` says that values below
    the bound break the limit. A bound of growth counts from the metric's first value.
    """
    found = []
    for verdict in verdicts:
        limit = verdict.limit
        if verdict.bound is None or limit.operator == "!=":
            continue
        chart, line, at = _place(limit.figure, verdict.bound, figures)
        if chart:
            found.append(
                {"chart": chart, "line": line, "at": at, "text": limit.text, "held": verdict.held,
                 "below": limit.operator.startswith(">")}
            )  # fmt: skip
    return found


def _place(figure: str, bound: float, figures: Mapping[str, float]) -> tuple[str, str, float]:
    """Return the chart, its line and the height of a bound; ("", "", 0.0) if no chart has this figure."""
    row = figure_of(figure)
    found = STAT.fullmatch(figure)
    base, stat = found.groups() if found else (figure, "")
    if row is not None:
        return _CHARTS.get(row.form, ""), stat or figure, bound
    base = ALIASES.get(base, base)
    if stat != "growth":
        return base, base, bound
    first = figures.get(f"{base}.first")
    return ("", "", 0.0) if first is None else (base, base, first + bound)
