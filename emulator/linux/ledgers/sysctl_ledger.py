"""Global sysctls, restored when the last network that needs them is removed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, cast

from emulator.errors import UnableError
from emulator.linux.ledgers.ledger_file import LedgerFile, ledger_place
from emulator.linux.ledgers.owners import Owner
from emulator.linux.sysctl import read_global, write_global

_MOST = (1 << 31) - 1
"""Maximum of an `int` in the kernel."""

Entries = dict[str, dict[str, Any]]


def _entries_of(data: Any) -> Entries:
    """Return `data` if it has the shape of a ledger; raise ValueError or a similar error otherwise."""
    for entry in data.values():
        if not isinstance(entry["set"], list):
            raise TypeError
        for owner, value in entry["needs"].items():
            Owner.parsed(owner)
            int(value)
        int(entry["original"])
    return cast("Entries", data)


class SysctlLedger:
    """Global sysctls that networks raised, recorded before they are changed.

    The file maps each sysctl to its original value, to the values that were set, and to the need of each
    network. The value in force is the sum of the needs and never less than the original: all networks share
    the limited resource (entries of a table, frames in a queue, terminals). After the last network it is the
    original. A value that another program sets meanwhile stays, unless it is too small.
    """

    def __init__(self, place: Path | None = None) -> None:
        self._file = LedgerFile(place or ledger_place(), "sysctls.json", _entries_of)

    def require(self, owner: Owner, needs: Mapping[str, int]) -> tuple[str, ...]:
        """Raise each sysctl of `needs` by the given value for `owner`, while it exists.

        Earlier needs of `owner` are dropped. Returns a line of text if some can't be set from here.
        """
        refused: dict[str, int] = {}
        with self._file.locked() as entries:
            for entry in entries.values():
                entry["needs"].pop(str(owner), None)
            for name, value in needs.items():
                current = read_global(name)
                if current is None:
                    refused[name] = value
                    continue
                entry = entries.setdefault(name, {"original": current, "set": [], "needs": {}})
                entry["needs"][str(owner)] = value
            refused |= {name: needs[name] for name in self._settle(entries, needed=True) if name in needs}
        return (_unraised_note(refused),) if refused else ()

    def release(self, owner: Owner) -> None:
        """Drop the needs of `owner` and restore the sysctls that no network needs any more."""
        if not self._file.exists:
            return
        with self._file.locked() as entries:
            for entry in entries.values():
                entry["needs"].pop(str(owner), None)
            self._settle(entries, needed=False)

    def sweep(self) -> None:
        """Restore the sysctls that only removed networks needed."""
        if self._file.exists:
            with self._file.locked() as entries:
                self._settle(entries, needed=False)

    def _settle(self, entries: Entries, *, needed: bool) -> set[str]:
        """Set the sysctls to the needs of the existing networks; return those without permission.

        A value is recorded before it is set, and the original is forgotten after it is restored. So a
        killed command leaves a ledger from which the next one continues. Unless the raised values are
        `needed`, a full disk doesn't prevent restoring: only entries of removed networks stay behind.
        """
        _drop_gone(entries)
        changes = {
            name: value for name, entry in entries.items() if (value := _change(name, entry)) is not None
        }
        with nullcontext() if needed else suppress(UnableError):
            self._file.save(entries)
        refused = {name for name, value in changes.items() if not write_global(name, value)}
        left = {
            name: entry
            for name, entry in entries.items()
            if (entry["needs"] and name not in refused) or _is_raised(entry, read_global(name))
        }
        if left != entries:
            with nullcontext() if needed else suppress(UnableError):
                self._file.save(left)
        return refused


def _change(name: str, entry: dict[str, Any]) -> int | None:
    """Return the value to set sysctl `name` to, and record it as ours; None if no change is needed."""
    current = read_global(name)
    least = min(sum(entry["needs"].values()), _MOST)
    wanted = max(least, entry["original"])
    if current is None or current == wanted or (current not in entry["set"] and current >= least):
        return None
    if wanted != entry["original"]:
        entry["set"] = sorted({*entry["set"], wanted})
    return int(wanted)


def _is_raised(entry: dict[str, Any], current: int | None) -> bool:
    """Return whether a value of ours is in force, as far as it is visible from here."""
    return current is None or current in entry["set"]


def _drop_gone(entries: Entries) -> None:
    gone = {
        owner
        for owner in {owner for entry in entries.values() for owner in entry["needs"]}
        if Owner.parsed(owner).is_gone()
    }
    for entry in entries.values():
        entry["needs"] = {owner: value for owner, value in entry["needs"].items() if owner not in gone}


def _unraised_note(refused: Mapping[str, int]) -> str:
    values = " ".join(f"{name}={value}" for name, value in refused.items())
    return (
        f"machine-wide limits can't be raised from this network namespace or container; "
        f"if they are too low, connections may fail: run `sysctl -w {values}` on the machine"
    )
