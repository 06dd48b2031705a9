"""When questions are due: a probe's pairs take turns, evenly over the interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from stress.histogram import Histogram
from stress.probes.specs import Spec
from stress.probes.track import Track
from stress.records import ProbeRecord
from topologies.names import Names

Clock = Callable[[], float]

_KEPT = 20_000
"""Answers of one probe that are kept with their times, over all its pairs."""


def made_tracks(spec: Spec, names: Names) -> list[Track]:
    """Return a track for each pair of `spec`."""
    histogram = Histogram()
    return [
        Track(
            ProbeRecord(
                spec.name, names[pair.source], names[pair.target], kind=spec.kind, interval=spec.interval
            ),
            histogram, keep=_KEPT // len(spec.pairs), timeout=spec.timeout,
        )
        for pair in spec.pairs
    ]  # fmt: skip


class Turns:
    """Question k of n pairs goes to pair k mod n, and is due k x interval / n after the beginning."""

    def __init__(self, tracks: Sequence[Track], interval: float, begin: float) -> None:
        self._tracks = tracks
        self._gap = interval / len(tracks)
        self._begin = begin
        self._next = 0

    def due(self, now: float) -> range:
        """Return the questions that are due and weren't given yet.

        At most one for each pair: who comes an interval late has missed the questions between, and
        asking twice at once would tell nothing more. What was missed is counted.
        """
        pairs = len(self._tracks)
        end = max(int((now - self._begin) / self._gap) + 1, self._next)
        begin = max(self._next, end - pairs)
        for question in range(self._next, begin):
            self._tracks[question % pairs].record.unasked += 1
        self._next = end
        return range(begin, end)


class Asker(Protocol):
    """One probe that is looked after again and again by the thread that asks."""

    @property
    def tracks(self) -> list[Track]:
        """What was found, a track for each pair."""
        ...

    @property
    def pace(self) -> float:
        """Seconds between two looks that it wants."""
        ...

    @property
    def blocks(self) -> bool:
        """Whether its steps may take long, so that it needs a thread of its own."""
        ...

    @property
    def waits(self) -> bool:
        """Whether answers may come after its last step."""
        ...

    def step(self, now: float) -> None:
        """Take the answers that came, then ask what is due."""
        ...

    def finish(self, now: float) -> None:
        """Take the last answers."""
        ...

    def close(self) -> None:
        """Close the sockets."""
        ...
