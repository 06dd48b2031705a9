"""State of stress in a network, active or killed: two files beside the run record.

The journal exists from before a run's first change until everything is restored. The run's process holds
the lock, and the kernel frees it when that process is killed. So a journal without a lock is the remainder
of a killed run. `stress.journal` writes the journal; this module reads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.locks import is_held

JOURNAL = "stress.json"
LOCK = "stress.lock"


def under_stress(folder: Path) -> bool:
    """Return whether the network with that state folder is under stress."""
    return is_held(folder / LOCK)


def left_over(folder: Path) -> list[str]:
    """Return what a killed run left wrong in the network with that state folder: one line or none."""
    if not (folder / JOURNAL).exists() or under_stress(folder):
        return []
    return [unfinished(folder.name)]


def unfinished(name: str) -> str:
    """Return the message that an unfinished run still affects the network, with the fix."""
    return (
        "a stress run was killed before it restored the network; "
        f"`emulator stress --recover --net {name}` does"
    )


def read_journal(path: Path | None) -> dict[str, Any]:
    """Return the journal's content: `links` (link -> state before the run) and `networks` (of a ramp).

    A missing journal is empty; a partial file can't occur.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
