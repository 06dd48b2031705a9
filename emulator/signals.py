"""Signals handled otherwise for a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled(kinds: Iterable[signal.Signals], handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` with the number of each signal of `kinds` that arrives, until the end.

    Only the main thread gets signals: elsewhere this does nothing. A SIGHUP that is ignored stays so: who
    starts something under `nohup` wants it to outlive the terminal.
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
