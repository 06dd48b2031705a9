"""Signals handled otherwise for a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled(kinds: Iterable[signal.Signals], handle: Callable[[int], None]) -> Iterator[None]:
    """Have `handle` called with the number of each signal of `kinds` that comes, until the end.

    Only the main thread gets signals: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def called(number: int, frame: FrameType | None) -> None:
        del frame
        handle(number)

    before = [(kind, signal.signal(kind, called)) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in before:
            signal.signal(kind, handler)
