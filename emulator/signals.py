"""Temporary signal handlers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled(kinds: Iterable[signal.Signals], handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` with the number of each signal of `kinds` that arrives, until the end.

    Only the main thread receives signals: in other threads this does nothing. An ignored SIGHUP stays
    ignored: a command under `nohup` should outlive the terminal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def called(number: int, frame: FrameType | None) -> None:
        del frame
        handle(number)

    wanted = [k for k in kinds if k != signal.SIGHUP or signal.getsignal(k) is not signal.SIG_IGN]
    before = [(kind, signal.signal(kind, called)) for kind in wanted]
    try:
        yield
    finally:
        for kind, handler in before:
            signal.signal(kind, handler)


@contextmanager
def asked_to_end() -> Iterator[Callable[[], bool]]:
    """Note SIGTERM and SIGINT, for a loop that asks whether one has come."""
    asked: list[int] = []
    with handled((signal.SIGTERM, signal.SIGINT), asked.append):
        yield lambda: bool(asked)
