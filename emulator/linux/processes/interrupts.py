"""Handle Ctrl-C and SIGTERM while kernel objects are created: note them at once, stop at the next safe point.

A KeyboardInterrupt between two system calls could leave the process in a foreign namespace. Code that only
reads and waits may be stopped anywhere: there SIGTERM and SIGHUP act like Ctrl-C.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.errors import BrokenError
from emulator.signals import handled


class InterruptedByUserError(BrokenError):
    """The user or the system asked to stop; unfinished changes are rolled back."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"stopped by {signal.Signals(number).name}")


class Stopped(KeyboardInterrupt):
    """Signal that asks to stop: a KeyboardInterrupt with the signal's number."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextmanager
def stoppable() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `Stopped` in the main thread, as Ctrl-C raises KeyboardInterrupt."""

    def stop(number: int) -> None:
        raise Stopped(number)

    with handled((signal.SIGTERM, signal.SIGHUP), stop):
        yield


class Interrupts:
    """Signals that arrived so far."""

    def __init__(self) -> None:
        self.number = 0

    def check(self) -> None:
        """Raise InterruptedByUserError if a signal has arrived."""
        if self.number:
            number, self.number = self.number, 0
            raise InterruptedByUserError(number)


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """Note SIGINT, SIGTERM and SIGHUP instead of stopping; the running code calls `check()`."""
    noted = Interrupts()

    def note(number: int) -> None:
        noted.number = number

    with handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), note):
        yield noted
