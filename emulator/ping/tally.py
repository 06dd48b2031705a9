"""Counts of requests and replies, and the lines that ping prints about them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TIMED = 16
"""iputils keeps the time in the packet: one with less room than that (a timeval) isn't timed."""


@dataclass
class Tally:
    """Counts of one run; `times` are seconds, the moments are those of time.monotonic()."""

    timed: bool = True
    sent: dict[int, float] = field(default_factory=dict)
    transmitted: int = 0
    received: int = 0
    duplicates: int = 0
    errors: int = 0
    began: float = 0.0
    last: float = 0.0
    most: float = 0.0
    _sum: float = 0.0
    _squares: float = 0.0
    _least: float = math.inf
    _answered: set[int] = field(default_factory=set)

    def ask(self, seq: int, now: float) -> None:
        """Count request `seq` as sent; numbers repeat after 65,536."""
        self.began = self.began if self.transmitted else now
        self.last = now
        self.transmitted += 1
        self.sent[seq] = now
        self._answered.discard(seq)

    def answer(self, seq: int, now: float) -> tuple[float, bool] | None:
        """Count a reply; return (its time, whether it is a duplicate), None for replies of other runs."""
        if seq not in self.sent:
            return None
        took = max(0.0, now - self.sent[seq])
        if seq in self._answered:
            self.duplicates += 1
            return took, True
        self._answered.add(seq)
        self.received += 1
        self._sum += took
        self._squares += took * took
        self._least, self.most = min(self._least, took), max(self.most, took)
        return took, False

    def lines(self, host: str) -> list[str]:
        """Return the final statistics."""
        words = [f"{self.transmitted} packets transmitted", f"{self.received} received"]
        words += [f"+{self.duplicates} duplicates"] if self.duplicates else []
        words += [f"+{self.errors} errors"] if self.errors else []
        if self.transmitted:
            lost = 100 * max(0, self.transmitted - self.received) / self.transmitted
            words += [f"{lost:g}% packet loss", f"time {(self.last - self.began) * 1000:.0f}ms"]
        out = ["", f"--- {host} ping statistics ---", ", ".join(words)]
        if not self.received or not self.timed:
            return [*out, ""]
        mean = self._sum / self.received
        spread = math.sqrt(max(0.0, self._squares / self.received - mean * mean))
        figures = "/".join(f"{1000 * value:.3f}" for value in (self._least, mean, self.most, spread))
        return [*out, f"rtt min/avg/max/mdev = {figures} ms"]


def reply_line(size: int, source: str, seq: int, ttl: int, took: float | None) -> str:
    """Return the line for one reply."""
    line = f"{size} bytes from {source}: icmp_seq={seq} ttl={ttl}"
    return line if took is None else f"{line} time={milliseconds(took)} ms"


def milliseconds(seconds: float) -> str:
    """Return a time with three significant digits, as iputils does."""
    value = seconds * 1000
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
