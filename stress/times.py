"""(when asked, round-trip seconds) of many answers in two arrays: 16 bytes each instead of 112."""

from __future__ import annotations

from array import array
from collections.abc import Iterator


class Times:
    """Pairs of numbers in the order in which they were added."""

    def __init__(self) -> None:
        self._asked = array("d")
        self._seconds = array("d")

    def __len__(self) -> int:
        return len(self._asked)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self._asked, self._seconds, strict=True)

    def add(self, asked: float, seconds: float) -> None:
        """Add a pair."""
        self._asked.append(asked)
        self._seconds.append(seconds)

    def halve(self) -> None:
        """Leave out the first and every other."""
        del self._asked[::2]
        del self._seconds[::2]
