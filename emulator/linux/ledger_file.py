"""The file of a ledger: what was changed for everybody, and for which networks, until the last is gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from emulator.locks import locked

Entries = TypeVar("Entries", bound=Mapping[str, Any])


class LedgerFile(Generic[Entries]):
    """A JSON file in the state directory, with a lock; both go when nothing is left in it.

    `entries_of` makes entries of what the file says; ValueError, TypeError, KeyError or AttributeError
    when it is no ledger, and that of an empty mapping is none.
    """

    def __init__(self, root: Path, name: str, entries_of: Callable[[Any], Entries]) -> None:
        self._entries_of = entries_of
        self._path = root / name
        self._lock = root / f".{name}.lock"  # the name of no network's lock

    @property
    def exists(self) -> bool:
        """Whether anything is written down."""
        return self._path.exists()

    @contextmanager
    def locked(self) -> Iterator[Entries]:
        """Hold the lock, and give the entries: only one command at a time reads, changes and saves."""
        with locked(self._lock, wait=True):
            yield self.entries()

    def entries(self) -> Entries:
        """Return what the file says; nothing, when it is no ledger: `down` must work whatever is there."""
        try:
            return self._entries_of(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return self._entries_of({})

    def save(self, entries: Entries) -> None:
        """Write `entries` so that a crash leaves the old ones or the new ones; remove the file of none."""
        if not entries:
            self._path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
            return
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(entries), encoding="utf-8")
        part.replace(self._path)
