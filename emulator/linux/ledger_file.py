"""The file of a ledger: what was changed for everybody, and for which networks, until the last is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from emulator.locks import locked


class LedgerFile:
    """A JSON file in the state directory, with a lock; both go when nothing is left in it."""

    def __init__(self, root: Path, name: str) -> None:
        self._path = root / name
        self._lock = root / f".{name}.lock"  # the name of no network's lock

    @property
    def exists(self) -> bool:
        """Whether anything is written down."""
        return self._path.exists()

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock: only one command at a time reads, changes and saves."""
        return locked(self._lock, wait=True)

    def read(self) -> Any:
        """Return what the file says; OSError or ValueError when it isn't there or isn't JSON."""
        return json.loads(self._path.read_bytes())

    def save(self, entries: Mapping[str, Any]) -> None:
        """Write `entries` so that a crash leaves the old ones or the new ones; remove the file of none."""
        if not entries:
            self._path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
            return
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(entries), encoding="utf-8")
        part.replace(self._path)
