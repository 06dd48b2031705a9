"""Progress of everything over two seconds: a bar with the time left on a terminal, lines when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.network import Progress

_SILENT_FOR = 2.0
_LINE_EVERY = 5.0
_DRAW_EVERY = 0.1
_FEWEST_MOVES = 2
"""Steps forward that say something about the rest; one does not."""
_LONG_PAUSES = 4.0
"""Pauses between two steps forward after which nothing is said of the rest."""


@contextmanager
def shown(what: str) -> Iterator[Progress]:
    """Yield a progress function that shows `what`; it prints nothing in the first two seconds."""
    display = _Bar(what) if sys.stderr.isatty() else _Lines(what)
    try:
        yield display.update
    finally:
        display.close()


class _Estimate:
    """How long a phase still takes, from its own pace: phases before it took another time for each step."""

    def __init__(self) -> None:
        self._phase: tuple[str, int] | None = None
        self._begin = self._moved = 0.0
        self._first = self._done = self._moves = 0

    def update(self, phase: str, done: int, total: int, now: float) -> str:
        """Return `, N s left`; nothing if too little is known, or nothing has moved for long."""
        if (phase, total) != self._phase or done < self._done:
            self._phase, self._begin, self._moved = (phase, total), now, now
            self._first, self._done, self._moves = done, done, 0
        if done > self._done:
            self._done, self._moved, self._moves = done, now, self._moves + 1
        if self._moves < _FEWEST_MOVES or done >= total:
            return ""
        pause = (self._moved - self._begin) / self._moves
        if now - self._moved > _LONG_PAUSES * pause:
            return ""  # it waits for something whose end no pace tells
        left = (self._moved - self._begin) * (total - done) / (done - self._first)
        return f", {left:.0f} s left"


class _Lines:
    """One line every five seconds, for pipes and logs."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._estimate = _Estimate()
        self._next = time.monotonic() + _SILENT_FOR

    def update(self, phase: str, done: int, total: int) -> None:
        """Print a line when it is time for one."""
        now = time.monotonic()
        left = self._estimate.update(phase, done, total, now)
        if now < self._next or not total:
            return
        self._next = now + _LINE_EVERY
        print(f"{self._what}: {phase} {done:,}/{total:,}{left}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Do nothing."""


class _Bar:
    """Progress bar of rich, imported only when there is something to show.

    Updates draw it, not a thread of rich. A thread that starts while this one is in a network's mount
    namespace would share its root, and then the kernel lets neither leave (setns(2)).
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._begin = time.monotonic()
        self._estimate = _Estimate()
        self._progress: object | None = None
        self._next = 0.0

    def update(self, phase: str, done: int, total: int) -> None:
        """Move the bar."""
        now = time.monotonic()
        left = self._estimate.update(phase, done, total, now)
        if now - self._begin < _SILENT_FOR:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        if not isinstance(self._progress, RichProgress):
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),
            )
            console = Console(stderr=True)
            self._progress = RichProgress(*columns, console=console, transient=True, auto_refresh=False)
            self._progress.start()
            self._progress.add_task(f"{self._what}: {phase}", total=total, left="")
        task = self._progress.tasks[0].id
        words = f"{self._what}: {phase}"
        self._progress.update(
            task, completed=done, total=total or None, description=words, left=left.removeprefix(", ")
        )
        if now >= self._next or done >= total:
            self._next = now + _DRAW_EVERY
            self._progress.refresh()

    def close(self) -> None:
        """Remove the bar."""
        stop = getattr(self._progress, "stop", None)
        if stop:
            stop()
