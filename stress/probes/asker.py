"""Times at which probes are due: the pairs take turns, evenly over the interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from stress.histogram import Histogram
from stress.probes.specs import ResolvedProbe
from stress.probes.track import Track
from stress.records import ProbeRecord
from topologies.names import Names

Clock = Callable[[], float]

_KEPT = 20_000
"""Number of answers of a probe that are kept with their times, over all its pairs."""


def create_tracks(spec: ResolvedProbe, names: Names) -> list[Track]:
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
    """Turns of n pairs: probe k goes to pair k mod n, and is due k x interval / n after the start."""

    def __init__(self, tracks: Sequence[Track], interval: float, begin: float) -> None:
        self._tracks = tracks
        self._gap = interval / len(tracks)
        self._begin = begin
        self._next = 0

    def due(self, now: float) -> range:
        """Return the due probes that weren't returned yet, at most one for each pair.

        A caller that is an interval late has missed the probes between. They are counted as missed:
        sending two at once would measure nothing more.
        """
        pairs = len(self._tracks)
        end = max(int((now - self._begin) / self._gap) + 1, self._next)
        begin = max(self._next, end - pairs)
        for probe in range(self._next, begin):
            self._tracks[probe % pairs].record.unasked += 1
        self._next = end
        return range(begin, end)


class Asker(Protocol):
    """Protocol of a probe that a thread steps repeatedly."""

    @property
    def tracks(self) -> list[Track]:
        """Results, a track for each pair."""
        ...

    @property
    def pace(self) -> float:
        """Wanted seconds between two steps."""
        ...

    @property
    def blocks(self) -> bool:
        """True if its steps may block, so that it needs its own thread."""
        ...

    @property
    def waits(self) -> bool:
        """True if answers may come after its last step."""
        ...

    def step(self, now: float) -> None:
        """Read the answers, then send the probes that are due."""
        ...

    def finish(self, now: float) -> None:
        """Read the last answers."""
        ...

    def close(self) -> None:
        """Close the sockets."""
        ...
