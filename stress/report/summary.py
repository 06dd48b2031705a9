"""Run result and verdicts as one JSON object: see docs/stress-report.md and report.schema.json.

The schema has a version. Within a version, keys are only added.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np

from stress.histogram import Histogram
from stress.limits import Verdict
from stress.metrics.convergence import Convergence, end_of
from stress.metrics.figures import Figures
from stress.outcomes import Bools, Outcomes
from stress.records import ProbeRecord, RunResult, WorkerRecord

FORMAT = "topology-emulator stress report"
VERSION = 1
SLICES = 20
"""Parts of a step with separate latencies, so that `compare` can tell noise from change."""
_MOST_EVENTS = 2000


def summary(result: RunResult, verdicts: Sequence[Verdict], figures: Figures | None = None) -> dict[str, Any]:
    """Return the whole report as plain data; times in seconds, shares from 0 to 1.

    `figures` are those of the result, if they are known: they take seconds to compute.
    """
    figures = figures or Figures(result)
    return {
        "format": FORMAT,
        "version": VERSION,
        "scenario": result.scenario,
        "network": result.network,
        "machine": result.machine,
        "seed": result.seed,
        "began": result.began,
        "seconds": end_of(result),
        "held": all(verdict.held for verdict in verdicts)
        and not (result.aborted or result.interrupted or result.leaks.leaked),
        "verdicts": [verdict_of(verdict) for verdict in verdicts],
        "doubts": result.warnings,
        "interrupted": result.interrupted,
        "aborted": result.aborted,
        "phases": [asdict(phase) for phase in result.phases],
        "steps": steps(result, figures),
        "convergence": convergence_of(figures.convergence),
        "probe_groups": probe_groups(result, figures),
        "probes": [probe(found) for found in result.probes],
        "figures": {name: value for name, value in sorted(figures.all().items()) if math.isfinite(value)},
        "metrics": metrics(result),
        "sampler_cpu_seconds": result.sampler_cost,
        "probe_cpu_seconds": result.probe_cost,
        "traffic": result.traffic,
        "ramps": result.ramps,
        "light_ports": result.light_ports,
        "workers": [worker_of(record) for record in result.workers],
        "leaks": {
            "counts": {name: list(pair) for name, pair in result.leaks.counts.items()},
            "leaked": result.leaks.leaked,
        },
        "restored": result.restored,
    }


def verdict_of(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict: the limit with the measured value; numbers are None where nothing was measured."""
    limit = verdict.limit
    return {
        "limit": str(verdict),
        "held": verdict.held,
        "text": limit.text,
        "figure": limit.figure,
        "unit": limit.unit,
        "measured": verdict.measured,
        "bound": verdict.bound,
        "words": verdict.words,
    }


def steps(result: RunResult, figures: Figures) -> list[dict[str, Any]]:
    """Return per step: offered and achieved operations, errors by kind, latencies by verb (seconds)."""
    return [_step(name, action, result.outcomes, figures) for name, action in figures.actions.items()]


def _step(name: str, action: str, outcomes: Outcomes, figures: Figures) -> dict[str, Any]:
    mine = outcomes.of_step(name)
    every = [outcomes.whats[number] for number in outcomes.used]
    verbs = dict.fromkeys(what.verb for what in every if what.step == name)
    dot = figures.of_step(name)
    achieved, offered = figures.rates.get(dot, (None, None))
    return {
        "step": name,
        "action": action,
        "offered": figures.values.get(f"{dot}offered", 0),
        "done": int(np.count_nonzero(mine)),
        "succeeded": figures.values.get(f"{dot}achieved", 0),
        "skipped": _most(outcomes.reasons(mine)),
        "offered_rate": offered,
        "achieved_rate": achieved,
        "errors": _most(outcomes.errors(mine)),
        "latency": _with_slices(latency(figures.histograms[f"{dot}latency"]), outcomes, mine),
        "verbs": {
            verb: latency(figures.histograms[f"{dot}{verb.replace(' ', '-')}.latency"]) for verb in verbs
        },
        "lateness": latency(figures.histograms[f"{dot}lateness"]),
        "convergence": latency(figures.convergence.histogram(name, own=True)),
        "recovery": latency(figures.convergence.recoveries(name, own=True)),
    }


def latency(histogram: Histogram) -> dict[str, Any] | None:
    """Return count, min, mean, quantiles, max, and the curve [[share, seconds], ...]; None for nothing."""
    if not histogram.count:
        return None
    return {**histogram.summary(), "curve": [list(point) for point in histogram.curve(80)]}


def _most(counts: dict[str, int]) -> dict[str, int]:
    """Return the 20 most frequent."""
    return dict(islice(counts.items(), 20))


def _with_slices(found: dict[str, Any] | None, outcomes: Outcomes, mine: Bools) -> dict[str, Any] | None:
    """Add the histograms of 20 equal parts of the step's time: lists of [seconds, count]."""
    places = np.flatnonzero(mine & ~(outcomes.failed | outcomes.skipped))
    if found is None or not len(places):
        return found
    due = outcomes.due[places]
    first = due.min()
    span = (due.max() - first) or 1.0
    part = np.minimum((due - first) / span * SLICES, SLICES - 1).astype(np.int8)
    buckets = []
    for number in range(SLICES):
        some = places[part == number]
        slice_ = Histogram(outcomes.finished[some] - outcomes.due[some])
        buckets.append([[round(seconds, 9), count] for seconds, count in slice_.buckets()])
    return {**found, "slices": buckets}


def convergence_of(found: Convergence) -> dict[str, Any]:
    """Return the effect of events on probes: the longest 2,000 one by one, all of them in the figures."""
    longest = sorted(found.events, key=lambda event: -event.convergence)[:_MOST_EVENTS]
    return {
        "disturbing": len(found.events),
        "undisturbing": found.undisturbing,
        "unexplained": found.unexplained,
        "unfinished": found.unfinished(),
        "convergence": latency(found.histogram()),
        "recovery": latency(found.recoveries()),
        "events": [
            {
                "at": event.outcome.started, "step": event.outcome.operation.step,
                "verb": event.outcome.operation.verb, "targets": list(event.outcome.operation.targets),
                "probes": event.probes, "convergence": event.convergence, "recovery": event.recovery,
                "blackhole": event.blackhole, "unfinished": event.unfinished,
            }
            for event in sorted(longest, key=lambda event: event.outcome.started)
        ],
    }  # fmt: skip


def probe_groups(result: RunResult, figures: Figures) -> list[dict[str, Any]]:
    """Return for each probe of the scenario the results of all its pairs together."""
    groups: dict[str, list[ProbeRecord]] = defaultdict(list)
    for found in result.probes:
        groups[found.probe].append(found)
    names = ("pairs", "sent", "answered", "loss", "late", "unasked", "windows", "blackhole", "longest")
    return [
        {
            "probe": name, "kind": probes[0].kind, "interval": probes[0].interval,
            **{key: figures.values.get(f"{name}.{key}", None if key == "loss" else 0) for key in names},
            "round_trip": latency(figures.histograms[f"{name}.rtt"]),
        }
        for name, probes in groups.items()
    ]  # fmt: skip


def probe(found: ProbeRecord) -> dict[str, Any]:
    """Return the results of a probe; its loss is a share, its windows [start, end or null, lost]."""
    times = Histogram(seconds for _, seconds in found.times)
    return {
        "probe": found.probe,
        "kind": found.kind,
        "source": found.source,
        "target": found.target,
        "sent": found.sent,
        "answered": found.answered,
        "loss": found.loss,
        "late": found.late,
        "unasked": found.unasked,
        "windows": [[window.start, window.end, window.lost] for window in found.windows],
        "round_trip": times.summary() if times.count else None,
    }


def worker_of(record: WorkerRecord) -> dict[str, Any]:
    """Return what a worker of a cluster did; seconds."""
    return {
        "name": record.name,
        "operations": record.operations,
        "errors": record.errors,
        "lateness": latency(record.lateness),
        "clock_error": record.clock_error,
        "clock_drift": record.clock_drift,
        "failure": record.failure,
    }


def metrics(result: RunResult) -> dict[str, Any]:
    """Return the time series: {"at": [seconds...], "series": {name: [number or null...]}}."""
    names = sorted({name for sample in result.samples for name in sample.values})
    return {
        "at": [sample.at for sample in result.samples],
        "series": {name: [sample.values.get(name) for sample in result.samples] for name in names},
    }
