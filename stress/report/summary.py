"""A run record and its verdicts as one JSON object: the schema is in docs/stress-report.md.

The schema has a version; keys are only ever added within one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from stress.histogram import QUANTILES, Histogram
from stress.records import Outcome, ProbeRecord, RunRecord

VERSION = 1
CURVE = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1.0)
"""Shares at which the latency curve is drawn."""


class Judged(Protocol):
    """A limit that was looked at: `str()` gives the limit and what was measured."""

    @property
    def held(self) -> bool:
        """Whether the limit held."""
        ...


def summary(record: RunRecord, verdicts: Sequence[Judged]) -> dict[str, Any]:
    """Return the whole report as plain data."""
    return {
        "version": VERSION,
        "scenario": record.scenario,
        "network": record.network,
        "machine": record.machine,
        "seed": record.seed,
        "began": record.began,
        "held": all(verdict.held for verdict in verdicts),
        "verdicts": [{"limit": str(verdict), "held": verdict.held} for verdict in verdicts],
        "phases": [asdict(phase) for phase in record.phases],
        "steps": steps(record),
        "probes": [probe(found) for found in record.probes],
        "metrics": metrics(record),
        "sampler_cpu_seconds": record.sampler_cost,
        "traffic": record.traffic,
        "leaks": {
            "counts": {name: list(pair) for name, pair in record.leaks.counts.items()},
            "leaked": record.leaks.leaked,
        },
        "restored": record.restored,
        "interrupted": record.interrupted,
        "doubts": record.doubts,
    }


def steps(record: RunRecord) -> list[dict[str, Any]]:
    """Return per step: offered and achieved operations, errors by kind, latencies by verb (seconds)."""
    by_step: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in record.outcomes:
        by_step[outcome.operation.step].append(outcome)
    return [
        _step(name, record.offered.get(name, 0), by_step.get(name, []))
        for name in dict.fromkeys((*record.offered, *by_step))
    ]


def _step(name: str, offered: int, outcomes: list[Outcome]) -> dict[str, Any]:
    good = [outcome for outcome in outcomes if not outcome.error]
    first = min((outcome.operation.at for outcome in outcomes), default=0.0)
    last = max((outcome.operation.at for outcome in outcomes), default=0.0)
    span = max(last - first, 1e-9)
    verbs: dict[str, list[float]] = defaultdict(list)
    for outcome in good:
        verbs[outcome.operation.verb].append(outcome.latency)
    return {
        "step": name,
        "action": outcomes[0].operation.action if outcomes else "",
        "offered": offered,
        "done": len(outcomes),
        "succeeded": len(good),
        "offered_rate": offered / span if len(outcomes) > 1 else None,
        "achieved_rate": len(good) / span if len(outcomes) > 1 else None,
        "errors": dict(Counter(outcome.error for outcome in outcomes if outcome.error).most_common(20)),
        "latency": latency([outcome.latency for outcome in good]),
        "verbs": {verb: latency(seconds) for verb, seconds in sorted(verbs.items())},
        "lateness": latency([outcome.lateness for outcome in outcomes]),
    }


def latency(seconds: list[float]) -> dict[str, Any] | None:
    """Return count, min, quantiles, max and the curve [[share, seconds], …] of latencies; None for none."""
    if not seconds:
        return None
    histogram = Histogram(seconds)
    return {
        "count": len(seconds),
        "min": min(seconds),
        "mean": sum(seconds) / len(seconds),
        **{name: histogram.quantile(share) for name, share in QUANTILES.items()},
        "max": max(seconds),
        "curve": [[share, histogram.quantile(share)] for share in CURVE],
    }


def probe(found: ProbeRecord) -> dict[str, Any]:
    """Return what a probe found; its loss is a share, its windows [start, end or null, lost]."""
    return {
        "probe": found.probe,
        "source": found.source,
        "target": found.target,
        "sent": found.sent,
        "answered": found.answered,
        "loss": found.loss,
        "windows": [[window.start, window.end, window.lost] for window in found.windows],
        "round_trip": latency([seconds for _, seconds in found.times]),
    }


def metrics(record: RunRecord) -> dict[str, Any]:
    """Return the time series: {"at": [seconds…], "series": {name: [number or null…]}}."""
    names = sorted({name for sample in record.samples for name in sample.values})
    return {
        "at": [sample.at for sample in record.samples],
        "series": {name: [sample.values.get(name) for sample in record.samples] for name in names},
    }
