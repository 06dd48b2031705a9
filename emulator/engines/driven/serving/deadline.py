"""Time limits for steps: an alarm interrupts any wait."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AT_ONCE = 1e-6
"""Seconds: setitimer takes 0 for never."""
_AGAIN = 0.2
"""Seconds between alarms until one has been handled.

One that arrives between the last look for signals and the system call that waits doesn't interrupt the wait.
"""


class DeadlineError(Exception):
    """A step exceeded its time limit."""


class Deadline:
    """Time limit of one step; `again` restarts it for the next step."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def again(self) -> None:
        """Restart the clock."""
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _AGAIN)

    def now(self) -> None:
        """Let the time be over at once. May be called from any thread."""
        signal.setitimer(signal.ITIMER_REAL, _AT_ONCE, _AGAIN)

    def stop(self) -> None:
        """Stop the clock: the step may take any time."""
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    del number, frame
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise DeadlineError


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Raise DeadlineError in the main thread when a step in this context takes longer than `seconds`."""
    before = signal.signal(signal.SIGALRM, _ring)
    limit = Deadline(seconds)
    limit.again()
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
