"""Random numbers that are the same on any machine and in any release.

numpy's Generator streams may change between releases, and the same file would give another plan.
This is splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
Generators, OOPSLA 2014), vectorised: number k of a stream is a hash of seed and k.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)

_GAMMA = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def hashed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return a hash of each number, by the mixing function of splitmix64."""
    with np.errstate(over="ignore"):
        z = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Stream:
    """Stream of numbers named by a seed and words: equal names give equal numbers."""

    def __init__(self, seed: int, *words: str) -> None:
        digest = hashlib.blake2b(repr((seed, words)).encode(), digest_size=8).digest()
        self._state = int.from_bytes(digest, "little")

    def bits(self, count: int) -> npt.NDArray[np.uint64]:
        """Return `count` numbers uniform over uint64."""
        first, self._state = self._state, (self._state + count * _GAMMA) & _MASK
        with np.errstate(over="ignore"):
            return hashed(np.uint64(first) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA))

    def random(self, count: int) -> npt.NDArray[np.float64]:
        """Return `count` floats uniform over [0, 1), 53 bits each."""
        return (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, high: int, count: int) -> npt.NDArray[np.int64]:
        """Return `count` integers uniform over [0, high)."""
        return np.minimum((self.random(count) * high).astype(np.int64), high - 1)

    def shuffled(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Return a copy of `array` in random order."""
        return array[np.argsort(self.bits(len(array)), kind="stable")]
