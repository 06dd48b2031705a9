"""Ledger file: machine-wide changes and the networks that need them, until the last one is removed.

The changes affect the whole machine, so all state directories share one ledger in a separate folder.
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
    """Return the folder of this machine's ledgers (mode 0700, created with the first entry).

    In a mount namespace other than that of process 1, the folder is in the /run of process 1: a private
    /run would hide the entries of other commands.
    """
    first = first_process()
    if first and not os.path.samestat(os.stat("/proc/thread-self/ns/mnt"), os.stat(f"{first}/ns/mnt")):
        return Path(f"{first}/root/run", _FOLDER)
    return Path("/run", _FOLDER)


class LedgerFile(Generic[Entries]):
    """JSON file in the folder `place`, with a lock; file, lock and folder are removed with the last entry.

    `entries_of` parses the file's content. It raises ValueError, TypeError, KeyError or AttributeError if
    the content is no ledger. An empty mapping has no entries.
    """

    def __init__(self, place: Path, name: str, entries_of: Callable[[Any], Entries]) -> None:
        self._entries_of = entries_of
        self._place = place
        self._path = place / name
        self._lock = place / f".{name}.lock"

    @property
    def exists(self) -> bool:
        """True if the ledger has entries."""
        return self._path.exists()

    @contextmanager
    def locked(self) -> Iterator[Entries]:
        """Hold the lock and yield the entries: only one command at a time reads, changes and saves.

        Raises UnableError when the folder isn't writable.
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
        """Return the file's entries; none if it is no ledger, because `down` must work with any file."""
        try:
            return self._entries_of(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return self._entries_of({})

    def save(self, entries: Entries) -> None:
        """Write `entries` so that a crash leaves the old or the new ones. Remove the file if empty."""
        if not entries:
            self._path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
            with suppress(OSError):  # the folder holds another ledger
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
