"""Did the runner keep its own schedule? If not, the record says that its figures are doubtful."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import psutil

from stress.records import Outcome, RunRecord

LATE = 0.010
"""Seconds: an operation that begins later than this was late."""
_MOST_LATE = 0.01
_LEAST_IDLE = 0.05
_MOST_STOLEN = 0.02
_MOST_SKIPPED = 0.05
_LONGEST_GAP = 2.5
"""Intervals between two samples of the machine."""


class Spent(NamedTuple):
    """Shares of all CPU time, 0 to 1: idle, and taken by the hypervisor for others."""

    idle: float
    stolen: float


class Processor:
    """How busy the machine's CPUs were since this was made."""

    def __init__(self) -> None:
        self._begin = psutil.cpu_times()

    def spent(self) -> Spent:
        """Return what the CPUs did since."""
        now = psutil.cpu_times()
        grown = {mode: getattr(now, mode) - getattr(self._begin, mode) for mode in now._fields}
        whole = sum(value for mode, value in grown.items() if not mode.startswith("guest"))  # within user
        if whole <= 0:
            return Spent(1.0, 0.0)
        return Spent((grown["idle"] + grown.get("iowait", 0.0)) / whole, grown.get("steal", 0.0) / whole)


def doubts(record: RunRecord, offered: int, spent: Callable[[], Spent]) -> list[str]:
    """Return why the figures of a run may not be trusted; `offered` is how many operations were planned."""
    ended_early = bool(record.interrupted or record.aborted)
    return [
        *_of_operations(record.outcomes, 0 if ended_early else offered),
        *_of_processor(spent()),
        *_of_probes(record),
        *_of_samples(record),
        *_of_flows(record),
    ]


def _of_operations(outcomes: list[Outcome], offered: int) -> Iterator[str]:
    for step, (moments, late, worst) in _lateness(outcomes).items():
        if late > _MOST_LATE * moments:
            yield (
                f"{_share(late, moments, step)} began more than {LATE * 1e3:.0f} ms late, "
                f"{worst:.3g} s at worst, which is part of their latencies: this machine or the network "
                "doesn't keep up with the rate, or something else keeps it busy"
            )
    steps = Counter(outcome.operation.step for outcome in outcomes)
    skipped = Counter(
        outcome.operation.step
        for outcome in outcomes
        if outcome.skipped and outcome.operation.action != "ramp"  # which ends when a limit breaks
    )
    for step, count in skipped.items():
        if count > _MOST_SKIPPED * steps[step]:
            why = Counter(outcome.skipped for outcome in outcomes if outcome.operation.step == step)
            why.pop("", None)
            yield (
                f"{_share(count, steps[step], step)} had nothing to do "
                f"(mostly: {why.most_common(1)[0][0]}): its rate counts them, its latencies don't"
            )
    if len(outcomes) < offered:
        yield f"{offered - len(outcomes):,} of {offered:,} operations were never begun"


def _share(some: int, count: int, step: str) -> str:
    return f"{some / count:.1%} of the operations of {step} ({some:,} of {count:,})"


class _Lateness(NamedTuple):
    """Moments at which operations of a step were due, those of them that began late, the worst in seconds."""

    moments: int
    late: int
    worst: float


def _lateness(outcomes: list[Outcome]) -> dict[str, _Lateness]:
    """Return how late each step's operations began; of those due at one moment, the first to begin.

    The others of a burst wait for it: that is latency, but nobody failed to keep the schedule.
    """
    first: dict[str, dict[float, float]] = {}
    for outcome in outcomes:
        moments = first.setdefault(outcome.operation.step, {})
        at = outcome.operation.at
        moments[at] = min(outcome.lateness, moments.get(at, math.inf))
    return {
        step: _Lateness(len(moments), sum(late > LATE for late in moments.values()), max(moments.values()))
        for step, moments in first.items()
    }


def _of_processor(spent: Spent) -> Iterator[str]:
    if spent.idle < _LEAST_IDLE:
        busy = 1 - spent.idle
        yield f"the CPUs were {busy:.0%} busy while the steps ran: latencies include the wait for them"
    if spent.stolen > _MOST_STOLEN:
        yield f"the hypervisor gave {spent.stolen:.0%} of the CPU time to others while the steps ran"


def _of_probes(record: RunRecord) -> Iterator[str]:
    missed = sum(probe.unasked for probe in record.probes)
    if missed:
        asked = sum(probe.sent for probe in record.probes)
        yield (
            f"{missed:,} of {missed + asked:,} questions of probes were not asked, for want of time: "
            "losses may be longer than they look"
        )
    silent = sum(not probe.sent for probe in record.probes)
    if silent and not (record.interrupted or record.aborted):
        yield f"{silent:,} of {len(record.probes):,} pairs of probes were never asked"


def _of_samples(record: RunRecord) -> Iterator[str]:
    interval = (record.scenario.get("metrics") or {}).get("interval", 0.0)
    gaps = [b.at - a.at for a, b in pairwise(record.samples)]
    worst = max(gaps, default=0.0)
    if interval and worst > _LONGEST_GAP * interval:
        yield f"nobody looked at the machine for {worst:.3g} s, though its interval is {interval:g} s"


def _of_flows(record: RunRecord) -> Iterator[str]:
    failed = Counter(str(flow["error"]) for flow in record.traffic if flow.get("error"))
    if failed:
        words = ", ".join(f"{count} x {error}" for error, count in failed.most_common(3))
        yield f"{failed.total():,} of {len(record.traffic):,} flows of traffic failed: {words}"
