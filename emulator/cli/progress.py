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


@contextmanager
def shown(what: str) -> Iterator[Progress]:
    """Yield a progress function that shows `what`; it prints nothing in the first two seconds."""
    display = _Bar(what) if sys.stderr.isatty() else _Lines(what)
    try:
        yield display.update
    finally:
        display.close()


class _Lines:
    """One line every five seconds, for pipes and logs."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begin = time.monotonic()
        self._next = self._begin + _SILENT_FOR

    def update(self, phase: str, done: int, total: int) -> None:
        """Print a line when it is time for one."""
        now = time.monotonic()
        if now < self._next or not total:
            return
        self._next = now + _LINE_EVERY
        words = f"{self._what}: {phase} {done:,}/{total:,}"
        if done > 1:  # one says little about the rest
            words += f", {(now - self._begin) * (total - done) / done:.0f} s left"
        print(words, file=sys.stderr, flush=True)

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
        self._progress: object | None = None
        self._next = 0.0

    def update(self, phase: str, done: int, total: int) -> None:
        """Move the bar."""
        now = time.monotonic()
        if now - self._begin < _SILENT_FOR:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        if not isinstance(self._progress, RichProgress):
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            console = Console(stderr=True)
            self._progress = RichProgress(*columns, console=console, transient=True, auto_refresh=False)
            self._progress.start()
            self._progress.add_task(f"{self._what}: {phase}", total=total)
        task = self._progress.tasks[0].id
        self._progress.update(task, completed=done, total=total or None, description=f"{self._what}: {phase}")
        if now >= self._next or done >= total:
            self._next = now + _DRAW_EVERY
            self._progress.refresh()

    def close(self) -> None:
        """Remove the bar."""
        stop = getattr(self._progress, "stop", None)
        if stop:
            stop()
