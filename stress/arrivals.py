"""Arrival times of operations: arrays of microseconds since the step began.

Whole microseconds make a schedule the same on every machine, however it rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stress.keys import Paced, Stage
from topologies.errors import Loc, ParameterError
from topologies.rng import Stream

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Piece = tuple[float, float, float]
"""Rates per second at the begin and at the end of a part of a step, and its seconds."""

MICRO = 1_000_000
MOST = 5_000_000
"""Largest number of operations of one step: an operation takes about 110 bytes until the report."""


def arrivals(step: Paced, seconds: float, stream: Stream, loc: Loc) -> Ints:
    """Return the arrival times of the operations of `step`, within [0, `seconds`), ascending."""
    rate = step.rate or 0.0
    pieces = _pieces(step.from_rate, step.stages, seconds) if step.stages else [(rate, rate, seconds)]
    _require_few(pieces, seconds, (*loc, "stages" if step.stages else "rate"))
    if step.stages:
        at = _staged(pieces, stream if step.arrival == "poisson" else None)
    elif step.arrival == "poisson":
        at = _random(rate * seconds, rate, stream)
    elif step.arrival == "ramp":
        at = _staged([(step.from_rate, rate, seconds)])
    elif step.arrival == "burst":
        at = (np.arange(_whole(rate * seconds)) // step.burst).astype(np.float64) * (step.burst / rate)
    else:
        at = np.arange(_whole(rate * seconds), dtype=np.float64) / rate
    return np.rint(at[at < seconds] * MICRO).astype(np.int64)


def _require_few(pieces: list[Piece], seconds: float, loc: Loc) -> None:
    """Raise ParameterError when a step has more operations than memory is for."""
    count = _expected(pieces)
    if count > MOST:
        words = f"{count:,.0f} operations are too many; {MOST / seconds:,.0f} per second at most here"
        raise ParameterError(loc, words)


def _expected(pieces: Sequence[Piece]) -> float:
    """Return how many operations the pieces have."""
    return sum((first + last) / 2 * took for first, last, took in pieces)


def _whole(count: float) -> int:
    """Return the number of arrivals that fit: the first is at 0, and rounding must not lose the last."""
    return int(np.ceil(count - 1e-9))


def _random(expected: float, rate: float, stream: Stream) -> Floats:
    """Return a Poisson process of about `expected` arrivals and a few more: its gaps are exponential."""
    enough = int(expected + 10 * np.sqrt(expected) + 20)
    at: Floats = np.cumsum(-np.log1p(-stream.random(enough)) / rate)
    return at


def _pieces(rate: float, stages: Sequence[Stage], seconds: float) -> list[Piece]:
    """Return the stages as pieces; a run of another duration stretches or shrinks all of them alike."""
    factor = seconds / sum(stage.duration for stage in stages)
    found = []
    for stage in stages:
        first = rate if stage.change == "linear" else stage.rate
        found.append((first, stage.rate, stage.duration * factor))
        rate = stage.rate
    return found


def _staged(pieces: list[Piece], stream: Stream | None = None) -> Floats:
    """Return arrivals at the rate of the pieces: evenly, or at random from `stream`.

    After t seconds N(t) operations are expected. The arrivals are its inverse at 0, 1, 2, …, or at the
    moments of a Poisson process of rate 1.
    """
    expected = _expected(pieces)
    numbers = (
        np.arange(_whole(expected), dtype=np.float64) if stream is None else _random(expected, 1.0, stream)
    )
    found, start, counted = [], 0.0, 0.0
    for first, last, took in pieces:
        end = counted + (first + last) / 2 * took
        mine = numbers[(numbers >= counted) & (numbers < end)]
        found.append(start + _inverse(first, last, took, mine - counted))
        start, counted = start + took, end
    return np.concatenate(found)


def _inverse(first: float, last: float, seconds: float, numbers: Floats) -> Floats:
    """Return when `numbers` operations have begun, at a rate that changes linearly from `first` to `last`.

    After t seconds there were N(t) = first t + slope t² / 2.
    """
    slope = (last - first) / seconds
    if not slope:
        return numbers / first if len(numbers) else numbers
    inside = np.maximum(first * first + 2 * slope * numbers, 0.0)
    at: Floats = (np.sqrt(inside) - first) / slope
    return at
