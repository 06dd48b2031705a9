"""Window of unanswered probes, adapted to earlier answers. Pure.

Too many packets at once overload a controller, and too many broadcasts a flooding bridge. Either drops some
and answers the rest late. So the window grows with each answer in time. It is halved when answers are late
or missing, once for all probes of the same window (additive increase, multiplicative decrease; Jacobson:
Congestion Avoidance and Control, 1988). A probe keeps its place in the window for TCP's retransmission
timeout (RFC 6298).
"""

from __future__ import annotations

from dataclasses import dataclass

_SHORTEST = 0.05
"""Minimum seconds that a probe keeps its place: ten times the answer time of a quiet network."""
_SILENT, _SILENT_FOR = 64, 3.0
"""Silence is this many unanswered probes in a row, during this many seconds in addition to `longest`."""
_FEWEST = 4
"""Minimum of probes at a time while answers are late: on a busy machine, fewer at a time aren't faster."""
_SHARES = 512
"""Number of recent probes over which `share` is averaged."""


@dataclass(frozen=True)
class Limits:
    """Limits of the window: its size at the `start`, `least` and `most`; `late` and `longest` in seconds.

    Answers that take longer than `late` mean overload: they halve the window, down to a few probes. Lost
    probes may have dead targets: they halve the window down to `least`. A probe keeps its place for at most
    `longest`.
    """

    start: int
    least: int
    most: int
    late: float
    longest: float


class ProbeWindow:
    """The window: its `size`, and the time that a probe keeps its place in it (`hold`, seconds).

    After silence, further probes are useless: the network is dead, or needs a pause.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.size = float(limits.start)
        self.hold = limits.longest
        self._threshold = float(limits.most)
        self._cut_at = float("-inf")
        self._smooth: float | None = None
        self._spread = 0.0
        self._unheard = 0
        self._heard_at: float | None = None
        self.silent = False
        self.share = 1.0
        """Share of answered probes among those recently settled (a moving average)."""

    def heard(self, took: float, now: float, *, sure: bool) -> None:
        """Record an answer after `took` seconds; `sure` when the probe was sent only once."""
        self._unheard, self._heard_at, self.silent = 0, now, False
        if sure:
            self._learn(took)
        self.share += (1 - self.share) / _SHARES
        if took > self._limits.late:
            self._cut(now - took, now, _FEWEST)
        else:
            slow = self.size >= self._threshold
            self.size = min(self._limits.most, self.size + (1 / self.size if slow else 1))

    def unheard(self, asked: float, now: float) -> None:
        """Record that a probe sent at time `asked` has used up its time in the window."""
        if self._heard_at is None:
            self._heard_at = asked
        self._unheard += 1
        if self._unheard > self.size and asked >= self._cut_at:
            self.hold = min(self._limits.longest, self.hold * 1.5)
        self._cut(asked, now, self._limits.least)
        long = now - self._heard_at > _SILENT_FOR + self._limits.longest
        self.silent = self._unheard >= _SILENT and long

    @property
    def usual(self) -> float:
        """Longest time of an answer so far: 0 before the first."""
        return 0.0 if self._smooth is None else self.hold

    def lost(self) -> None:
        """Record a probe that is given up."""
        self.share -= self.share / _SHARES

    def _learn(self, took: float) -> None:
        """Update mean and variation of the times by RFC 6298, section 2."""
        if self._smooth is None:
            self._smooth, self._spread = took, took / 2
        else:
            self._spread += (abs(took - self._smooth) - self._spread) / 4
            self._smooth += (took - self._smooth) / 8
        self.hold = min(self._limits.longest, max(_SHORTEST, self._smooth + 4 * self._spread))

    def _cut(self, asked: float, now: float, least: int) -> None:
        """Halve the window, down to `least`, unless it was halved after the probe was sent."""
        if asked >= self._cut_at:
            self.size = self._threshold = max(min(float(least), self.size), self.size / 2)
            self._cut_at = now
