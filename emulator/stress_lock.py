"""State of stress in a network, active or killed: two files beside the run record.

The journal is there from before a run touches anything until all is given back. The lock is held by the
run's process, and the kernel frees it when that is killed: a journal without a lock is what such a run
leaves. `stress.journal` writes the journal; this module reads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.locks import is_held

JOURNAL = "stress.json"
LOCK = "stress.lock"


def under_stress(folder: Path) -> bool:
    """Return whether a run shakes the network with that state folder."""
    return is_held(folder / LOCK)


def left_over(folder: Path) -> list[str]:
    """Return what is wrong with the network of that state folder because a run was killed: a line or none."""
    if not (folder / JOURNAL).exists() or under_stress(folder):
        return []
    return [unfinished(folder.name)]


def unfinished(name: str) -> str:
    """Return the words for a network of which a run still has something, and how to fix it."""
    return (
        "a stress run was killed before it restored the network; "
        f"`emulator stress --recover --net {name}` does"
    )


def read_journal(path: Path | None) -> dict[str, Any]:
    """Return what the journal holds: `links` (link -> state before the run) and `networks` (of a ramp).

    A journal that isn't there is empty; half a file can't be.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
