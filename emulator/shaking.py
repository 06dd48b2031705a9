"""Whether a stress run shakes a network, or was killed while it did: two files beside the run record.

The journal is there from before a run touches anything until all is given back. The lock is held by the
run's process, and the kernel frees it when that is killed: a journal without a lock is what such a run
leaves.
"""

from __future__ import annotations

from pathlib import Path

from emulator.locks import is_held

JOURNAL = "stress.json"
LOCK = "stress.lock"


def goes_on(folder: Path) -> bool:
    """Return whether a run shakes the network with that state folder."""
    return is_held(folder / LOCK)


def left_over(folder: Path) -> list[str]:
    """Return what is wrong with the network of that state folder because a run was killed: a line or none."""
    if not (folder / JOURNAL).exists() or goes_on(folder):
        return []
    return [unfinished(folder.name)]


def unfinished(name: str) -> str:
    """Return the words for a network of which a run still has something, and what mends it."""
    return (
        f"a stress run ended without giving back what it took; `emulator stress --recover --net {name}` does"
    )
