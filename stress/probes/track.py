"""Results of the probes of one pair, in the order in which they were sent.

A probe is settled when it is answered or its timeout has passed, and counted when it and all before it
are settled. So a loss window begins with the first lost probe and ends with the first later probe that is
answered, even when answers overtake each other. An answer after the timeout is recognised by its number:
it is late, and its probe stays lost.
"""

from __future__ import annotations

import math
from collections import deque

from stress.histogram import Histogram
from stress.records import LossWindow, ProbeRecord

_REMEMBERED = 256
"""Number of lost probes per pair whose late answers are recognised."""
_LEAST_KEPT = 16


class _SentProbe:
    __slots__ = ("answered", "number", "sent")

    def __init__(self, number: int, sent: float) -> None:
        self.number = number
        self.sent = sent
        self.answered: float | None = None


class Track:
    """Probes of one pair. `record.times` keeps up to `keep` answers, evenly over the run.

    An answer that arrives more than `timeout` seconds after its probe is late, whenever it is read.
    """

    def __init__(
        self, record: ProbeRecord, histogram: Histogram, keep: int = 1000, timeout: float = math.inf
    ) -> None:
        self.record = record
        record.histogram = histogram
        self._histogram = histogram
        self._timeout = timeout
        self._keep = max(keep, _LEAST_KEPT)
        self._stride = 1
        self._queue: deque[_SentProbe] = deque()
        self._open: dict[int, _SentProbe] = {}
        self._lost: dict[int, None] = {}
        self._right: float | None = None

    @property
    def wrong(self) -> bool:
        """True if the last settled probe was lost."""
        windows = self.record.windows
        return bool(windows) and windows[-1].end is None

    def ask(self, number: int, now: float) -> None:
        """Note that probe `number` is sent now. A number may be used again once it is settled."""
        probe = _SentProbe(number, now)
        self._queue.append(probe)
        self._open[number] = probe

    def answer(self, number: int, now: float) -> None:
        """Note an answer; duplicates and answers to unknown probes are ignored."""
        probe = self._open.pop(number, None)
        if probe is not None and now - probe.sent > self._timeout:
            self.record.late += 1
        elif probe is not None:
            probe.answered = max(now, probe.sent)
        elif number in self._lost:
            del self._lost[number]
            self.record.late += 1

    def settle(self, before: float) -> None:
        """Count the settled probes; one sent by `before` without an answer is lost."""
        queue = self._queue
        while queue:
            probe = queue[0]
            if probe.answered is not None:
                self._count_answer(probe.sent, probe.answered)
            elif probe.sent <= before:
                if self._open.pop(probe.number, None) is not None:
                    self._remember(probe.number)
                self._count_loss(probe.sent)
            else:
                return
            queue.popleft()

    def whole(self, sent: float, answered: float | None) -> None:
        """Count a settled probe: answered at that time, or lost."""
        if answered is None:
            self._count_loss(sent)
        else:
            self._count_answer(sent, answered)

    def _count_answer(self, sent: float, answered: float) -> None:
        record = self.record
        record.sent += 1
        record.answered += 1
        self._right = sent
        if record.windows and record.windows[-1].end is None:
            record.windows[-1].end = answered
        self._histogram.add(answered - sent)
        if record.answered % self._stride == 0:
            record.times.add(sent, answered - sent)
            if len(record.times) > self._keep:
                record.times.halve()
                self._stride *= 2

    def _count_loss(self, sent: float) -> None:
        record = self.record
        record.sent += 1
        if record.windows and record.windows[-1].end is None:
            record.windows[-1].lost += 1
        else:
            record.windows.append(LossWindow(sent, None, 1, self._right))

    def _remember(self, number: int) -> None:
        self._lost[number] = None
        if len(self._lost) > _REMEMBERED:
            del self._lost[next(iter(self._lost))]
