"""Controllers that we delegate in the version 2 hierarchy, and disable again at the last `down`.

A group has a controller only if its parent delegates it (cgroup.subtree_control). Delegation at the top
affects the whole machine, so it is recorded before it is done. It is undone when no network needs it,
unless another group uses the controller meanwhile: by a limit, or by delegating it itself.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from emulator.errors import UnableError
from emulator.linux.ledgers.ledger_file import LedgerFile, ledger_place
from emulator.linux.ledgers.owners import Owner

NAME = "cgroups.json"

_UNUSED = {
    "cpu": {"cpu.max": "max 100000", "cpu.weight": "100", "cpu.max.burst": "0", "cpu.idle": "0"},
    "memory": {
        "memory.max": "max", "memory.high": "max", "memory.low": "0", "memory.min": "0",
        "memory.swap.max": "max", "memory.swap.high": "max", "memory.oom.group": "0",
    },
}  # fmt: skip
"""Default contents of a group's files (Documentation/admin-guide/cgroup-v2.rst)."""

Entries = dict[str, list[str]]
"""Controller that we enabled -> owners that need it."""


def _entries_of(data: Any) -> Entries:
    return {str(key): [str(Owner.parsed(text)) for text in owners] for key, owners in data.items()}


class CgroupLedger:
    """The machine's ledger of controllers."""

    def __init__(self, place: Path | None = None) -> None:
        self._file = LedgerFile(place or ledger_place(), NAME, _entries_of)

    def hand_down(self, owner: Owner, top: Path, controller: str) -> None:
        """Delegate `controller` from the group `top` while `owner` exists. Raises OSError."""
        with self._file.locked() as entries:
            is_on = controller in read_words(top / "cgroup.subtree_control")
            if str(owner) not in entries.get(controller, [str(owner)] if is_on else []):
                entries.setdefault(controller, []).append(str(owner))
            self._file.save(entries)
            if not is_on:
                (top / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")

    def release(self, owner: Owner | None, top: Path | None) -> None:
        """Drop the needs of `owner` and of removed networks; disable unused controllers in `top`."""
        if not self._file.exists:
            return
        with self._file.locked() as entries:
            for controller, owners in list(entries.items()):
                left = [text for text in owners if text != str(owner) and not Owner.parsed(text).is_gone()]
                if left:
                    entries[controller] = left
                    continue
                del entries[controller]
                if top is not None and not _in_use(top, controller):
                    with suppress(OSError):  # EBUSY: it is used in a way that we don't detect
                        (top / "cgroup.subtree_control").write_text(f"-{controller}", encoding="ascii")
            with suppress(UnableError):  # the entries of a removed network stay
                self._file.save(entries)


def _in_use(top: Path, controller: str) -> bool:
    """Return whether a group below `top` has a limit by `controller`, or delegates it."""
    for group in top.iterdir():
        if not group.is_dir():
            continue
        if controller in read_words(group / "cgroup.subtree_control"):
            return True
        for name, unused in _UNUSED.get(controller, {}).items():
            if (words := read_words(group / name)) and words != unused.split():
                return True
    return False


def read_words(path: Path) -> list[str]:
    """Return the words of a file of a control group; none if it can't be read."""
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
