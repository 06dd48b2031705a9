"""Did the runner keep its own schedule? If not, the record says that its figures are doubtful."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from stress.records import Outcome

LATE = 0.010
"""Seconds: an operation that begins later than this was late."""
_MOST_LATE = 0.01
_LEAST_IDLE = 0.05


class Processor:
    """How busy the machine's CPUs were between two moments."""

    def __init__(self) -> None:
        self._begin = psutil.cpu_times()

    def idle(self) -> float:
        """Return which share of all CPU time was idle since this was made, 0 to 1."""
        now = psutil.cpu_times()
        spent = [b - a for a, b in zip(self._begin, now, strict=True)]
        idle = (now.idle - self._begin.idle) + (now.iowait - self._begin.iowait)
        return idle / sum(spent) if sum(spent) > 0 else 1.0


def doubts(outcomes: Sequence[Outcome], offered: int, idle: float, *, interrupted: bool) -> list[str]:
    """Return why the figures of a run may not be trusted."""
    found = []
    late = sum(outcome.lateness > LATE for outcome in outcomes)
    if outcomes and late > _MOST_LATE * len(outcomes):
        worst = max(outcome.lateness for outcome in outcomes)
        found.append(
            f"{late / len(outcomes):.1%} of the operations began more than {LATE * 1e3:.0f} ms late, "
            f"{worst:.3g} s at worst: the rate is more than this machine (or the network) keeps up with"
        )
    if idle < _LEAST_IDLE:
        found.append(
            f"the CPUs were {1 - idle:.0%} busy while the steps ran: latencies include the wait for them"
        )
    if len(outcomes) < offered and not interrupted:
        found.append(f"{offered - len(outcomes):,} of {offered:,} operations were never begun")
    return found
