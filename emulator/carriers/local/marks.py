"""Processes of local workers have a mark in their environment, by which they are found."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from emulator.errors import BrokenError
from emulator.process_tags import with_variable

MARK = "EMULATOR_LOCAL_WORKERS"
"""The folder of the local workers that a process belongs to."""

_LOOK = 0.05
_AFTER_KILL = 10.0


def end_marked(root: Path, patience: float) -> None:
    """End all processes of the local workers of `root`: SIGTERM, and SIGKILL after `patience` seconds.

    Those in the middle of a change undo or finish it after SIGTERM. New ones that appear are ended, too.
    BrokenError if one survives SIGKILL.
    """
    deadline = time.monotonic() + patience
    told: set[tuple[int, float]] = set()
    while found := [p for p in with_variable(MARK, str(root)) if p.pid != os.getpid()]:
        for process in found:
            with suppress(psutil.Error):
                key = (process.pid, process.create_time())
                if time.monotonic() > deadline:
                    process.kill()
                elif key not in told:
                    told.add(key)
                    process.send_signal(signal.SIGTERM)
        if time.monotonic() > deadline + _AFTER_KILL:
            pids = ", ".join(str(process.pid) for process in found)
            raise BrokenError(f"processes of local workers don't end: {pids}; stuck in the kernel?")
        time.sleep(_LOOK)
