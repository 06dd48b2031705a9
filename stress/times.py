"""(time sent, round-trip seconds) of many answers in two arrays: 16 bytes each instead of 112."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator


class Times:
    """Pairs of numbers in the order in which they were added."""

    def __init__(self, sent: Iterable[float] = (), seconds: Iterable[float] = ()) -> None:
        self._sent = array("d", sent)
        self._seconds = array("d", seconds)

    def __len__(self) -> int:
        return len(self._sent)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self._sent, self._seconds, strict=True)

    def columns(self) -> tuple[list[float], list[float]]:
        """Return the times sent and the round-trip seconds."""
        return self._sent.tolist(), self._seconds.tolist()

    def add(self, sent: float, seconds: float) -> None:
        """Add a pair."""
        self._sent.append(sent)
        self._seconds.append(seconds)

    def halve(self) -> None:
        """Drop the first pair and every second one after it."""
        del self._sent[::2]
        del self._seconds[::2]
