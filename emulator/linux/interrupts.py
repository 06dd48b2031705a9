"""Ctrl-C and SIGTERM while kernel objects are made: noted at once, obeyed at the next safe point.

A KeyboardInterrupt between two system calls could leave the process in a foreign namespace. What only
looks and waits may be stopped anywhere: there SIGTERM and SIGHUP are made what Ctrl-C is.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from emulator.errors import BrokenError


class InterruptedByUserError(BrokenError):
    """The user or the system asked to stop; what was begun is rolled back."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"stopped by {signal.Signals(number).name}")


class Stopped(KeyboardInterrupt):
    """A signal that asks to stop, as a KeyboardInterrupt that knows its number."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextmanager
def stoppable() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `Stopped`, as Ctrl-C raises KeyboardInterrupt; in the main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        raise Stopped(number)

    kinds = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, stop) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


class Interrupts:
    """What arrived so far."""

    def __init__(self) -> None:
        self.number = 0

    def check(self) -> None:
        """Raise InterruptedByUserError if a signal has arrived."""
        if self.number:
            number, self.number = self.number, 0
            raise InterruptedByUserError(number)


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """Note SIGINT, SIGTERM and SIGHUP instead of obeying them; whoever works calls `check()`."""
    noted = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        noted.number = number

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, note) for kind in kinds]
    try:
        yield noted
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
