"""Global sysctls that are put back when the last network that needed them is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from emulator.linux.ledger_file import LedgerFile
from emulator.linux.sysctl import read, write

Entries = dict[str, dict[str, Any]]


def _entries_of(data: Any) -> Entries:
    """Return `data` once it has the shape of a ledger; ValueError and the like when it hasn't."""
    for entry in data.values():
        if not isinstance(entry["needs"], dict) or not isinstance(entry["set"], list):
            raise TypeError
        int(entry["original"])
    return cast("Entries", data)


class SysctlLedger:
    """Global sysctls that networks raised, written down before they are changed.

    The file maps each sysctl to its original value, to the values that were set, and to what each
    network needs. The value in force is the largest of all; when the last network that needs one
    goes, the original is put back, unless somebody else has changed it meanwhile.
    """

    def __init__(self, root: Path) -> None:
        self._file = LedgerFile(root, "sysctls.json", _entries_of)

    def require(self, network: str, needs: dict[str, int]) -> None:
        """Make each sysctl of `needs` at least the given value, for as long as `network` is there."""
        with self._file.locked() as entries:
            changes: dict[str, int] = {}
            for name, value in needs.items():
                current = int(read(name))
                entry = entries.get(name)
                if entry is None and current >= value:
                    continue
                entry = entries.setdefault(name, {"original": current, "set": [], "needs": {}})
                entry["needs"][network] = value
                if value > current:
                    changes[name] = value
                    entry["set"].append(value)
            self._file.save(entries)
            for name, value in changes.items():
                write(name, str(value))

    def networks(self) -> set[str]:
        """Return the networks that the ledger knows."""
        if not self._file.exists:
            return set()
        with self._file.locked() as entries:
            return {network for entry in entries.values() for network in entry["needs"]}

    def release(self, network: str) -> None:
        """Forget what `network` needed and put back what nobody needs any more."""
        if not self._file.exists:
            return
        with self._file.locked() as entries:
            for name, entry in list(entries.items()):
                if entry["needs"].pop(network, None) is None:
                    continue
                if not entry["needs"]:
                    if int(read(name)) in entry["set"]:
                        write(name, str(entry["original"]))
                    del entries[name]
            self._file.save(entries)
