"""State directory: its networks, and the locks beside their folders."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

from emulator.errors import SHORTAGES, UnableError
from emulator.locks import BusyError, locked

DEFAULT = "/run/topology-emulator"
OF_A_WORKER = "/run/topology-emulator-worker"
"""State directory of a worker where others than itself may start it: clients on its machine use `DEFAULT`."""

MOUNTS = ".mounts"
"""The folder of mounts that engines keep, one per network, in the state directory."""

MARK = ".topology-emulator"
"""The file that marks a folder as a network's: `EMULATOR_STATE_DIR` may hold other folders too."""

_IMPOSSIBLE = frozenset({errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP})
"""Errors that root can't avoid either."""

_HALF = re.compile(r"^\.(.+)\.part$")
"""See `half_of`."""


def state_root() -> Path:
    """Return the state directory (it may not exist yet), as the kernel names it in the mount table.

    UnableError if it can't exist: it is a file, goes through one, or its path is too long.
    """
    chosen = Path(os.environ.get("EMULATOR_STATE_DIR") or DEFAULT)
    try:
        root = chosen.resolve()
        longest = max(root.parts, key=lambda part: len(os.fsencode(part)))
        for place in (Path("/", longest), root / MOUNTS):
            with contextlib.suppress(FileNotFoundError, PermissionError):  # no network is up, or it is root's
                place.stat()
    except OSError as error:
        raise unwritable(chosen, error) from error
    except RuntimeError as error:  # a link that leads to itself, until Python 3.12
        raise unwritable(chosen, OSError(errno.ELOOP, os.strerror(errno.ELOOP))) from error
    return root


def names(root: Path | None = None) -> list[str]:
    """Return the sorted names of all networks, including incomplete ones."""
    root = root or state_root()
    found = set()
    for entry in root.iterdir() if root.is_dir() else ():
        half = _HALF.match(entry.name)
        if half and entry.is_dir():
            found.add(half[1])
        elif entry.name == MOUNTS:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found |= {pin.name for pin in entry.iterdir()}
        elif is_network(entry):
            found.add(entry.name)
    return sorted(found)


def half_of(root: Path, name: str) -> Path:
    """Return the name of a network's folder while it is being created or removed."""
    return root / f".{name}.part"


def is_network(folder: Path) -> bool:
    """Return whether `folder` belongs to a network and isn't something else in the state directory."""
    if folder.is_symlink():
        return False
    return (folder / MARK).exists() or (folder / "record.json").exists()


def unknown_network(name: str, known: list[str]) -> str:
    """Return the message for a network that doesn't exist."""
    if not known:
        return f"no network `{name}` is up; `emulator up FILE` starts one"
    return f"no network `{name}` is up; these are: {', '.join(known)}"


def unwritable(root: Path, error: OSError) -> UnableError:
    """Return the error for a state directory that can't be written to."""
    helps = "" if error.errno in _IMPOSSIBLE else SHORTAGES.get(error.errno or 0, "run as root") + ", or "
    return UnableError(
        f"can't write to the state directory {root}: {error.strerror}; "
        f"{helps}set EMULATOR_STATE_DIR to a folder of your own"
    )


def shared_lock(root: Path) -> AbstractContextManager[None]:
    """Hold the lock of what all networks share: the state directory's own mount."""
    return locked(root / ".lock", wait=True)


def sweep(root: Path) -> None:
    """If no network is left, remove lock files of killed commands, and the directory if it is empty."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        entries = {entry.name for entry in root.iterdir()}
        if not names(root) and MOUNTS not in entries:
            with shared_lock(root):
                for name in entries - {".lock"}:
                    if name.startswith(".") and name.endswith(".lock"):
                        _remove_if_free(root / name)
                with contextlib.suppress(OSError):
                    (root / ".lock").unlink()
                    root.rmdir()


def _remove_if_free(lock: Path) -> None:
    """Remove a lock file unless a process holds it."""
    with contextlib.suppress(BusyError), locked(lock, wait=False):
        lock.unlink(missing_ok=True)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Return what tells whether a file was written again, as each change replaces it; None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
