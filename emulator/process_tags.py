"""Commands of a run carry its tag in their environment, so that all their processes can be ended with it.

A command may leave child processes behind, and a killed runner leaves everything that it started. A process
with the tag in its environment was started by that run, whatever its process id and parents are now. A list
of process ids isn't used: it would be out of date when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_TAG = "EMULATOR_STRESS_RUN"


def tagged(words: Sequence[str], journal: Path | None) -> list[str]:
    """Return `words`, changed so that the command carries the tag of the run with that journal."""
    return [*([] if journal is None else ["env", f"{_TAG}={journal.absolute()}"]), *words]


def end_tagged(journal: Path | None) -> list[str]:
    """Kill all processes that carry the tag of the run with that journal; return their commands."""
    if journal is None:
        return []
    ended = []
    for process in with_variable(_TAG, str(journal.absolute())):
        with suppress(psutil.Error, OSError):
            words = " ".join(process.cmdline()) or process.name()
            process.kill()  # psutil checks that it is still the same process
            ended.append(words)
    return ended


def with_variable(name: str, value: str) -> Iterator[psutil.Process]:
    """Yield the processes that have this variable in their environment, except those that have ended."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def command_of(process: psutil.Process) -> list[str]:
    """Return the words of a process's command line; none if it has ended."""
    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return []
