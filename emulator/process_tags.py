"""Commands of a run carry its tag in their environment, so that all of them can be ended with it.

A command may leave others behind, and a runner that is killed leaves all it had started. Whoever
has the tag in its environment was started by that run, whatever its number and its parents are
now: no list of numbers is needed, which would be out of date when it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_TAG = "EMULATOR_STRESS_RUN"


def tagged(words: Sequence[str], journal: Path | None) -> list[str]:
    """Return `words` such that what they start carries the tag of the run with that journal."""
    return [*([] if journal is None else ["env", f"{_TAG}={journal.absolute()}"]), *words]


def end_tagged(journal: Path | None) -> list[str]:
    """Kill all processes that carry the tag of the run with that journal; return their commands."""
    if journal is None:
        return []
    tag, ended = str(journal.absolute()), []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_TAG) == tag:
                words = " ".join(process.cmdline()) or process.name()
                process.kill()  # psutil looks again whether it is still the same process
                ended.append(words)
    return ended
