"""Summary of a run as text: steps, their errors, probes, convergence, traffic."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from stress.histogram import Histogram
from stress.metrics.figures import Figures
from stress.metrics.format import format_value
from stress.records import RunResult, WorkerRecord
from topologies.counting import counted

_MOST_ERRORS = 3
"""Largest number of kinds of errors per step; the report has them all."""


def summary_lines(result: RunResult, figures: Figures) -> Iterator[str]:
    """Yield the lines."""
    for step in figures.actions:
        yield _step(figures, step)
        errors = result.outcomes.errors(result.outcomes.of_step(step))
        yield from (f"  {count:,} x {error}" for error, count in islice(errors.items(), _MOST_ERRORS))
    yield from map(_worker, result.workers)
    for probe in dict.fromkeys(found.probe for found in result.probes):
        yield from _probe(figures, probe)
    found = figures.convergence
    if found.events:
        felt = counted(len(found.events), "event")
        yield f"convergence: {felt} felt by probes{_times(figures.histograms['convergence'])}"
    if found.unexplained:
        yield f"unexplained: {counted(found.unexplained, 'loss window')}, begun by no operation"
    if result.traffic:
        value = figures.values
        rate, slowest = (format_value(value[f"traffic.{key}"], "bitrate") for key in ("rate", "slowest"))
        yield (
            f"flows: {value['traffic.flows']:,}, {rate} together, slowest {slowest}, "
            f"{value['traffic.failed']:,} failed"
        )


def _step(figures: Figures, step: str) -> str:
    value, dot = figures.values, figures.of_step(step)
    rate, _ = figures.rates.get(dot, (0.0, 0.0))
    skipped = value.get(f"{dot}skipped", 0)
    return (
        f"{step}: {value.get(f'{dot}achieved', 0):,} of {value.get(f'{dot}offered', 0):,} operations, "
        f"{format_value(rate, 'rate')}, {counted(int(value.get(f'{dot}errors', 0)), 'error')}"
        + (f", {skipped:,} had nothing to do" if skipped else "")
        + _times(figures.histograms[f"{dot}latency"], "latency ")
    )


def _worker(record: WorkerRecord) -> str:
    error = format_value(record.clock_error, "seconds")
    return (
        f"{record.name}: {counted(record.operations, 'operation')}, {counted(record.errors, 'error')}, "
        f"clock within {error}" + _times(record.lateness, "lateness ")
        + (f"; ended early: {record.failure}" if record.failure else "")
    )  # fmt: skip


def _probe(figures: Figures, probe: str) -> Iterator[str]:
    value = figures.values
    if f"{probe}.loss" not in value:
        return
    pairs, sent = (value[f"{probe}.{key}"] for key in ("pairs", "sent"))
    lost, longest = (
        format_value(value[f"{probe}.loss"], "share"),
        format_value(value[f"{probe}.longest"], "seconds"),
    )
    yield (
        f"{probe}: {counted(int(pairs), 'pair')}, {sent:,} probes sent, {lost} lost, longest {longest}"
        + _times(figures.histograms[f"{probe}.rtt"], "round trip ")
    )


def _times(found: Histogram, what: str = "") -> str:
    """Return `; latency p50 1 ms, p99 2 ms, max 3 ms`; an empty text without latencies."""
    if not found.count:
        return ""
    times = (("p50", found.quantile(0.5)), ("p99", found.quantile(0.99)), ("max", found.max))
    return f"; {what}" + ", ".join(f"{name} {format_value(seconds, 'seconds')}" for name, seconds in times)
