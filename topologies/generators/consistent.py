"""Consistent hashing: keys are dealt to buckets, and one bucket more moves only the keys that it gets.

Lamping, Veach: A Fast, Minimal Memory, Consistent Hash Algorithm, 2014 ("jump consistent hash").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MULTIPLIER = np.uint64(2862933555777941757)
"""Of the linear congruential generator in the paper."""


def jump_hash(keys: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    """Return the bucket of each key, from 0 to `buckets` - 1: int64[k].

    A key jumps from bucket to bucket while the next one exists: some ln(buckets) times.
    """
    out = np.zeros(len(keys), dtype=np.int64)
    rows, state = np.arange(len(keys)), keys.copy()
    bucket = np.zeros(len(keys), dtype=np.int64)
    while rows.size:
        out[rows] = bucket
        with np.errstate(over="ignore"):
            state = state * _MULTIPLIER + np.uint64(1)
        ahead = (bucket + 1) * (2.0**31 / ((state >> np.uint64(33)).astype(np.float64) + 1))
        stays = ahead < buckets
        rows, state, bucket = rows[stays], state[stays], ahead[stays].astype(np.int64)
    return out
