"""Environment of a run: a quiet interpreter, and signals that end the run in order."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from emulator.signals import handled

_SWITCH = 0.0005
"""Seconds that a thread keeps Python's lock when another waits for it: a tenth of the default,
so that due operations don't wait for the sampler to finish a sum."""


@contextmanager
def quiet_python() -> Iterator[None]:
    """Keep the interpreter from stopping the run: garbage waits for `Tidier`, threads take short turns."""
    was_on, interval = gc.isenabled(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()
        if was_on:
            gc.enable()


class Tidier:
    """Garbage collection in small portions: only of the objects created since the last time.

    Reading files, encoding messages and planning topologies leave reference cycles behind: MiBs per minute
    where links change. Objects from before the run are excluded (`gc.freeze`). So a collection takes about
    ten microseconds instead of tenths of a second.
    """

    def __init__(self, every: float = 1.0, rounds: int = 64) -> None:
        self._every = every
        self._rounds = rounds
        self._next = 0.0
        self._count = 0

    def tidy(self) -> None:
        """Collect when due; every `rounds` times also the objects that survived earlier collections."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._every
            self._count += 1
            gc.collect(0 if self._count % self._rounds else 1)


@dataclass
class Signals:
    """Name of the received signal; empty when there was none."""

    name: str = ""


@contextmanager
def stopping(stop: threading.Event) -> Iterator[Signals]:
    """Make SIGINT, SIGTERM and SIGHUP end the steps; their changes are still restored."""
    noted = Signals()

    def note(number: int) -> None:
        noted.name = signal.Signals(number).name
        stop.set()

    with handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), note):
        yield noted
