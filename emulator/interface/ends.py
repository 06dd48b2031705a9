"""Ends of a script by a signal, as ends of its `with` block: networks go down as after an exception."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def _exit(number: int, frame: FrameType | None) -> None:
    """End the script with the exit code that shells give to this signal; a second one changes nothing."""
    del frame
    for each in _SIGNALS:
        if signal.getsignal(each) is _exit:
            signal.signal(each, _nothing)
    raise SystemExit(128 + number)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Let the network go down. No SIG_IGN, which programs started meanwhile would inherit."""
    del number, frame


class ExitOnSignals:
    """Turns SIGTERM and SIGHUP into SystemExit from `begin` to `end`.

    Only where they would end the process at once: a script's own handlers stay, and so does nohup(1). Only in
    the main thread, where Python handles signals.
    """

    def __init__(self) -> None:
        self._taken: list[int] = []

    def begin(self) -> None:
        """Take the signals over, unless somebody else has done so."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _exit)
                    self._taken.append(number)

    def end(self) -> None:
        """Give the signals back that `begin` took over."""
        for number in self._taken:
            if signal.getsignal(number) in {_exit, _nothing}:
                signal.signal(number, signal.SIG_DFL)
        self._taken.clear()
