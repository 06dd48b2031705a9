"""The clocks of workers, as this machine sees them: measured by round trips, with the error of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from emulator.engines.cluster.calls import Workers
from emulator.parts import WorkerClock

_TRIPS = 8
"""Round trips with each worker: the quickest one counts."""


class Trip(NamedTuple):
    """A question about the time: sent and answered by the clock here, read on the worker by its own."""

    sent: float
    read: float
    answered: float


def clock_of(trips: Iterable[Trip]) -> WorkerClock:
    """Return the clock by the quickest of `trips`: it was read between the two ends, most likely half-way."""
    best = min(trips, key=lambda trip: trip.answered - trip.sent)
    half = (best.answered - best.sent) / 2
    return WorkerClock(best.read - best.sent - half, half)


def measured(workers: Workers, now: Callable[[], float] = time.monotonic) -> Mapping[str, WorkerClock]:
    """Ask each worker for its time some times, one after the other, so that no answer waits for another."""
    found = {}
    for name in workers.names:
        trips = []
        for _ in range(_TRIPS):
            sent = now()
            read = float(workers.ask_one(name, "emulator.agent.facts:monotonic", {}).value)
            trips.append(Trip(sent, read, now()))
        found[name] = clock_of(trips)
    return found
