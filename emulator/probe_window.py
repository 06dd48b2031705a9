"""Window of probes that may wait for an answer, adapted to earlier answers. Pure.

A controller that is asked about too many packets at once, or a bridge that floods too many broadcasts,
drops some of them, and answers the rest late. So the window grows with each answer that comes in time
and is halved when answers come late or don't come, once for all that were asked in the same window
(additive increase, multiplicative decrease; Jacobson: Congestion Avoidance and Control, 1988). How
long a question keeps its place is TCP's retransmission timeout (RFC 6298).
"""

from __future__ import annotations

from dataclasses import dataclass

_SHORTEST = 0.05
"""Seconds that a question keeps its place at least: ten times what a quiet network takes."""
_SILENT, _SILENT_FOR = 64, 3.0
"""Questions in a row without an answer, and seconds without any beside `longest`, that are silence."""
_FEWEST = 4
"""Questions at a time where answers are late: on a busy machine one at a time takes as long as some."""
_SHARES = 512
"""How many questions `share` remembers."""


@dataclass(frozen=True)
class Limits:
    """Limits of the window: its size at the `start`, `least` and `most`; `late` and `longest` in seconds.

    Answers that take longer than `late` say that too much is asked: they halve the window down to
    a few. Lost ones may be dead, and halve it down to `least`. `longest` is how long a
    question keeps its place at most.
    """

    start: int
    least: int
    most: int
    late: float
    longest: float


class ProbeWindow:
    """The window: its `size`, and how long a question keeps its place in it (`hold`, seconds).

    After silence there is no use in asking on: the network is dead, or must be left alone for a while.
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
        """Of the questions that were settled lately: how many were answered."""

    def heard(self, took: float, now: float, *, sure: bool) -> None:
        """Take note of an answer after `took` seconds; `sure` when the question was sent once only."""
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
        """Take note of a question of time `asked` that kept its place for as long as it may."""
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
        """Take note of a question that is given up."""
        self.share -= self.share / _SHARES

    def _learn(self, took: float) -> None:
        """Follow mean and spread of the times as RFC 6298, section 2, does."""
        if self._smooth is None:
            self._smooth, self._spread = took, took / 2
        else:
            self._spread += (abs(took - self._smooth) - self._spread) / 4
            self._smooth += (took - self._smooth) / 8
        self.hold = min(self._limits.longest, max(_SHORTEST, self._smooth + 4 * self._spread))

    def _cut(self, asked: float, now: float, least: int) -> None:
        """Halve the window, down to `least`, unless that was done after the question was asked."""
        if asked >= self._cut_at:
            self.size = self._threshold = max(min(float(least), self.size), self.size / 2)
            self._cut_at = now
