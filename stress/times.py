"""(time sent, round-trip seconds) of many answers in two arrays: 16 bytes each instead of 112."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator


class Times:
    """Pairs of numbers in the order in which they were added."""

    def __init__(self, asked: Iterable[float] = (), seconds: Iterable[float] = ()) -> None:
        self._asked = array("d", asked)
        self._seconds = array("d", seconds)

    def __len__(self) -> int:
        return len(self._asked)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self._asked, self._seconds, strict=True)

    def columns(self) -> tuple[list[float], list[float]]:
        """Return the times sent and the round-trip seconds."""
        return self._asked.tolist(), self._seconds.tolist()

    def add(self, asked: float, seconds: float) -> None:
        """Add a pair."""
        self._asked.append(asked)
        self._seconds.append(seconds)

    def halve(self) -> None:
        """Drop the first pair and every second one after it."""
        del self._asked[::2]
        del self._seconds[::2]
