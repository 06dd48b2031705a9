"""What holds while a run goes on: a quiet interpreter, and signals that end it in order."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SWITCH = 0.0005
"""Seconds that a thread keeps Python's lock when another waits for it: a tenth of what is usual,
so that an operation that is due doesn't wait for the sampler to finish a sum."""


@contextmanager
def quiet_python() -> Iterator[None]:
    """Keep the interpreter from stopping the run: no collection of garbage, short turns for threads."""
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


@dataclass
class Signals:
    """The signal that came, by name; empty when none did."""

    name: str = ""


@contextmanager
def stopping(stop: threading.Event) -> Iterator[Signals]:
    """Let SIGINT, SIGTERM and SIGHUP end the steps; what they took is still given back."""
    noted = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        noted.name = signal.Signals(number).name
        stop.set()

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, note) for kind in kinds]
    try:
        yield noted
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
