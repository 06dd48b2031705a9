"""A process that a supervisor keeps alive: started again when it has ended, after a pause."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emulator.errors import EmulationError

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds until what ended is started again: longer each time, and short again after a minute of life."""
_LIFE = 60.0
_LOOK = 0.2
_PATIENCE = 10.0


@dataclass
class KeptProcess:
    """A process to keep alive; `start` starts it."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    _began: float = 0.0
    _due: float = 0.0
    _failures: int = 0

    def look(self) -> None:
        """Start it if it is due; note that it has ended."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self._failures = 0 if now - self._began > _LIFE else self._failures + 1
            pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
            log(f"{self.name} ended with {code}; it starts again in {pause:g} s")
            self.process, self._due = None, now + pause
        if now >= self._due:
            try:
                self.process = self.start()
            except (EmulationError, OSError) as error:
                log(f"{self.name} can't be started: {error}")
                self._due = now + _PAUSES[-1]
            self._began = now


def keep_alive(kept: Sequence[KeptProcess], is_wanted: Callable[[], bool]) -> None:
    """Keep processes alive while `is_wanted()`; end them then."""
    while is_wanted():
        for one in kept:
            one.look()
        time.sleep(_LOOK)
    _end([one.process for one in kept if one.process is not None])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _PATIENCE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log(words: str) -> None:
    """Write a line with the time to standard error."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words}\n")
    sys.stderr.flush()
