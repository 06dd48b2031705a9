"""The record of local workers, in `.workers` of the state directory, written before they are made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from emulator.atomic_write import write_atomically
from emulator.carriers.addresses import Address
from emulator.carriers.dask.settings import DEFAULT_PORT
from emulator.errors import BrokenError
from emulator.state import state_root
from emulator.state.directory import unwritable

MOST_WORKERS = 200
OWN_NUMBER = 253
_FORMAT = 1


@dataclass(frozen=True)
class LocalPaths:
    """Files of the local workers of one state directory."""

    root: Path

    @classmethod
    def here(cls) -> Self:
        """Return those of this process's state directory."""
        return cls(state_root() / ".workers")

    @property
    def record(self) -> Path:
        """The record."""
        return self.root / "cluster.json"

    @property
    def lock(self) -> Path:
        """Held by a command that starts or removes workers."""
        return self.root.with_name(".workers.lock")

    @property
    def certificates(self) -> Path:
        """Folder of the certificates of all roles."""
        return self.root / "certificates"

    @property
    def mounts(self) -> Path:
        """A private mount: below it is the one mount that keeps the namespaces."""
        return self.root / "mounts"

    def state(self, worker: str) -> Path:
        """Return the state directory of a worker; sockets are in it, so its path is short."""
        return self.root / worker

    def log(self, name: str) -> Path:
        """Return the log of a worker, the scheduler or the supervisor."""
        return self.root / f"{name}.log"


@dataclass(frozen=True)
class LocalRecord:
    """Local workers: `number` makes their subnet and the name of this machine's interface into it.

    `memory` is each worker's share in bytes. `is_complete` is false until all exist.
    """

    number: int
    count: int
    memory: int
    silence: float
    is_complete: bool = False
    format: int = _FORMAT

    @property
    def workers(self) -> list[str]:
        """Names of the workers."""
        return [f"w{number}" for number in range(1, self.count + 1)]

    @property
    def interface(self) -> str:
        """Name of this machine's interface in the underlay."""
        return f"emw{self.number}"

    @property
    def subnet(self) -> str:
        """Underlay: a part of 198.18.0.0/15, which RFC 2544 keeps for tests of networks."""
        return f"198.18.{self.number}.0/24"

    @property
    def scheduler(self) -> Address:
        """The scheduler's address."""
        return Address("tls", self.host(0), DEFAULT_PORT)

    def host(self, worker: int) -> str:
        """Return the address of the scheduler (0), of a worker (1, 2, …) or of this machine (OWN_NUMBER)."""
        return f"198.18.{self.number}.{1 + worker}"

    def write(self, paths: LocalPaths) -> None:
        """Write it; UnableError if the state directory can't be written to."""
        try:
            paths.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(paths.record, json.dumps(asdict(self)))
        except OSError as error:
            raise unwritable(paths.root.parent, error) from error


def read_record(paths: LocalPaths) -> LocalRecord | None:
    """Return the record; None without local workers, BrokenError if it can't be read."""
    try:
        found = LocalRecord(**json.loads(paths.record.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, ValueError, TypeError) as error:
        raise BrokenError(
            f"{paths.record} can't be read ({error}); `emulator workers local --down` removes what is left"
        ) from error
    if found.format != _FORMAT:
        raise BrokenError(
            f"{paths.record} was written by another version; `emulator workers local --down` of that version"
        )
    return found
