"""No step waits for ever: an alarm interrupts whatever it waits for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class DeadlineError(Exception):
    """A step took longer than it may."""


class Deadline:
    """Time for one step at a time; `again` gives the next step its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def again(self) -> None:
        """Begin the time anew."""
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def stop(self) -> None:
        """Stop the clock: the step may take as long as it needs."""
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise DeadlineError


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Raise DeadlineError in the main thread when a step within takes longer than `seconds`."""
    before = signal.signal(signal.SIGALRM, _ring)
    limit = Deadline(seconds)
    limit.again()
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
