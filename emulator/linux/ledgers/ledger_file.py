"""The file of a ledger: what was changed for everybody, and for which networks, until the last is gone.

What is changed is the machine's, so there is one ledger for all state directories, in a place of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from emulator.atomic_write import write_atomically
from emulator.errors import UnableError
from emulator.linux.namespaces.first_process import first_process
from emulator.locks import locked

Entries = TypeVar("Entries", bound=Mapping[str, Any])

_FOLDER = "topology-emulator-ledgers"


def ledger_place() -> Path:
    """Return the folder of this machine's ledgers (mode 0700, made with the first entry).

    From a mount namespace beside that of process 1 it is the latter's /run: a private one would hide
    what others wrote down.
    """
    first = first_process()
    if first and not os.path.samestat(os.stat("/proc/thread-self/ns/mnt"), os.stat(f"{first}/ns/mnt")):
        return Path(f"{first}/root/run", _FOLDER)
    return Path("/run", _FOLDER)


class LedgerFile(Generic[Entries]):
    """A JSON file in the folder `place`, with a lock; all three are removed with the last entry.

    `entries_of` parses the file's content, and raises ValueError, TypeError, KeyError or AttributeError if it
    is no ledger. An empty mapping has no entries.
    """

    def __init__(self, place: Path, name: str, entries_of: Callable[[Any], Entries]) -> None:
        self._entries_of = entries_of
        self._place = place
        self._path = place / name
        self._lock = place / f".{name}.lock"

    @property
    def exists(self) -> bool:
        """Whether the ledger has entries."""
        return self._path.exists()

    @contextmanager
    def locked(self) -> Iterator[Entries]:
        """Hold the lock, and give the entries: only one command at a time reads, changes and saves.

        Raises UnableError when the place can't be written to.
        """
        lock = locked(self._lock, wait=True)
        try:
            lock.__enter__()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield self.entries()
        finally:
            lock.__exit__(None, None, None)

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
            with suppress(OSError):  # another ledger is in it
                self._place.rmdir()
            return
        try:
            write_atomically(self._path, json.dumps(entries))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UnableError:
        return UnableError(
            f"can't write down in {self._place} what is changed for the whole machine: {error.strerror}; "
            f"make room in /run, or mount it writable"
        )
