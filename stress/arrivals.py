"""Arrival times of operations: arrays of microseconds since the step began.

Whole microseconds make a schedule the same on every machine, however it rounds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stress.keys import Paced
from topologies.errors import Loc, ParameterError
from topologies.rng import Stream

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MICRO = 1_000_000
MOST = 5_000_000
"""Largest number of operations of one step: an operation takes about 110 bytes until the report."""


def arrivals(step: Paced, seconds: float, stream: Stream, loc: Loc) -> Ints:
    """Return the arrival times of the operations of `step`, within [0, `seconds`), ascending."""
    rate = step.rate or 0.0
    if rate * seconds > MOST:
        words = (
            f"{rate * seconds:,.0f} operations are too many; {MOST / seconds:,.0f} per second at most here"
        )
        raise ParameterError((*loc, "rate"), words)
    if step.arrival == "poisson":
        at = _poisson(rate, seconds, stream)
    elif step.arrival == "ramp":
        at = _ramp(step.from_rate, rate, seconds)
    elif step.arrival == "burst":
        at = (np.arange(_whole(rate * seconds)) // step.burst).astype(np.float64) * (step.burst / rate)
    else:
        at = np.arange(_whole(rate * seconds), dtype=np.float64) / rate
    return np.rint(at[at < seconds] * MICRO).astype(np.int64)


def _whole(count: float) -> int:
    """Return the number of arrivals that fit: the first is at 0, and rounding must not lose the last."""
    return int(np.ceil(count - 1e-9))


def _poisson(rate: float, seconds: float, stream: Stream) -> Floats:
    """Return arrivals whose gaps are exponential (a Poisson process)."""
    expected = rate * seconds
    enough = int(expected + 10 * np.sqrt(expected) + 20)
    at: Floats = np.cumsum(-np.log1p(-stream.random(enough)) / rate)
    return at


def _ramp(first: float, last: float, seconds: float) -> Floats:
    """Return arrivals at a rate that changes linearly from `first` to `last`.

    After t seconds there were N(t) = first t + slope t² / 2; this is its inverse at 0, 1, 2, ….
    """
    slope = (last - first) / seconds
    numbers = np.arange(_whole((first + last) / 2 * seconds), dtype=np.float64)
    if not slope:
        return numbers / first
    inside = np.maximum(first * first + 2 * slope * numbers, 0.0)
    at: Floats = (np.sqrt(inside) - first) / slope
    return at
