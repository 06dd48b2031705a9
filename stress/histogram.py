"""A histogram of durations, exact to 3 significant digits, whose memory doesn't grow with what it holds.

Buckets are linear inside each power of two, as in Gil Tene's HdrHistogram (hdrhistogram.org): a value
of up to 2,047 units has a bucket of its own, above that a bucket is at most 1/1024 of its value wide.
The unit is a nanosecond. Packages exist; numpy counts a million values in one call and brings no
other dependency.

    value v, its highest bit b (1 is bit 0):  e = max(0, b - 10)   index = 1024 e + (v >> e)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNIT = 1e-9
"""Seconds of one unit."""
_HALF = 1024
_BITS = 10
_MOST = (1 << 45) - 1
"""Longest duration, in units: 9.8 hours; longer ones count as that."""
_LENGTH = _HALF * (45 - _BITS + 1)
"""Buckets: 288 KiB of counts, allocated with the first value."""

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


class Histogram:
    """Counts of durations in seconds. Negative ones count as 0."""

    def __init__(self, seconds: Iterable[float] | Floats = ()) -> None:
        self._counts: Ints = np.zeros(0, dtype=np.int64)
        self.count = 0
        self.total = 0.0
        """Sum of all, in seconds."""
        self.min = math.inf
        self.max = -math.inf
        self.add_all(seconds)

    def add(self, seconds: float) -> None:
        """Count one duration."""
        seconds = max(0.0, seconds)
        value = min(round(seconds / UNIT), _MOST)
        shift = max(0, value.bit_length() - 1 - _BITS)
        self._room()[_HALF * shift + (value >> shift)] += 1
        self._note(1, seconds, seconds, seconds)

    def add_all(self, seconds: Iterable[float] | Floats) -> None:
        """Count many durations."""
        many = seconds if isinstance(seconds, np.ndarray) else np.fromiter(seconds, np.float64)
        values = np.maximum(many, 0.0)
        if not len(values):
            return
        units = np.minimum(np.rint(values / UNIT), _MOST).astype(np.int64)
        self._room()[:] += np.bincount(_indices(units), minlength=_LENGTH)
        self._note(len(values), float(values.sum()), float(values.min()), float(values.max()))

    def merge(self, other: Histogram) -> None:
        """Add what `other` counted."""
        if other.count:
            self._room()[:] += other._counts
            self._note(other.count, other.total, other.min, other.max)

    def quantile(self, share: float) -> float:
        """Return the duration that `share` (0 to 1) of all are not above, in seconds; nan when empty.

        It is the highest value of its bucket, so it is never below the exact quantile (the smallest
        recorded value v with at least share x count recorded values <= v), and at most 1/1024 above.
        """
        return self.quantiles([share])[0]

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return several quantiles; one pass over the buckets."""
        if not self.count:
            return [math.nan] * len(shares)
        running = np.cumsum(self._counts)
        ranks = [max(1, math.ceil(share * self.count - 1e-9)) for share in shares]
        found = np.searchsorted(running, ranks)
        tops = (_highest(found) * UNIT).tolist()
        return [
            self.max if rank >= self.count else self.min if rank == 1 else min(max(top, self.min), self.max)
            for rank, top in zip(ranks, tops, strict=True)
        ]

    @property
    def mean(self) -> float:
        """Mean in seconds; nan when empty."""
        return self.total / self.count if self.count else math.nan

    def summary(self) -> dict[str, float]:
        """Return count, min, mean, p50, p90, p99, p99.9, max in seconds; only the count when empty."""
        if not self.count:
            return {"count": 0}
        middle = dict(zip(QUANTILES, self.quantiles(list(QUANTILES.values())), strict=True))
        return {"count": self.count, "min": self.min, "mean": self.mean, **middle, "max": self.max}

    def buckets(self) -> list[tuple[float, int]]:
        """Return (highest seconds, count) of each bucket that holds something, ascending."""
        used = np.flatnonzero(self._counts)
        return list(zip((_highest(used) * UNIT).tolist(), self._counts[used].tolist(), strict=True))

    def curve(self, points: int = 120) -> list[tuple[float, float]]:
        """Return (share, seconds) along 1/(1 - share), evenly by its logarithm: the percentile plot."""
        if not self.count:
            return []
        nines = np.linspace(0.0, math.log10(max(self.count, 10)), points)
        shares = [*(1.0 - 10.0**-nines).tolist(), 1.0]
        return list(zip(shares, self.quantiles(shares), strict=True))

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, exact: [bucket, count] of each that holds something, and the sums."""
        used = np.flatnonzero(self._counts)
        buckets = [list(pair) for pair in zip(used.tolist(), self._counts[used].tolist(), strict=True)]
        extremes = [self.min, self.max] if self.count else []
        return {"buckets": buckets, "count": self.count, "total": self.total, "extremes": extremes}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Histogram:
        """Return the histogram that `plain` was taken from."""
        made = cls()
        if plain["count"]:
            for bucket, count in plain["buckets"]:
                made._room()[bucket] = count
            made._note(plain["count"], plain["total"], *plain["extremes"])
        return made

    @classmethod
    def of_buckets(cls, buckets: Iterable[Sequence[float]]) -> Histogram:
        """Return the histogram that `buckets()` was taken from, as exact as the buckets are."""
        made = cls()
        for seconds, count in buckets:
            one = cls([seconds])
            one._counts *= int(count)
            one.count, one.total = int(count), seconds * count
            made.merge(one)
        return made

    def _room(self) -> Ints:
        if not len(self._counts):
            self._counts = np.zeros(_LENGTH, dtype=np.int64)
        return self._counts

    def _note(self, count: int, total: float, low: float, high: float) -> None:
        self.count += count
        self.total += total
        self.min = min(self.min, low)
        self.max = max(self.max, high)


def _indices(units: Ints) -> Ints:
    """Return the bucket of each value: int64[k]."""
    exponent = np.frexp(units.astype(np.float64))[1].astype(np.int64)  # bits of each: exact below 2^53
    shift = np.maximum(exponent - 1 - _BITS, 0)
    index: Ints = _HALF * shift + (units >> shift)
    return index


def _highest(index: Ints) -> Ints:
    """Return the highest value of each bucket, in units."""
    shift = np.maximum(index // _HALF - 1, 0)
    highest: Ints = ((index - _HALF * shift + 1) << shift) - 1
    return highest
