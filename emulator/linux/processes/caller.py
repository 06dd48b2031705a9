"""User that programs named by a file run as: the user who called sudo.

The author of a file chooses the program of a controller or service, so it doesn't run as root. The
first start writes the user down. A program that another command starts again keeps this user.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emulator.atomic_write import write_atomically
from emulator.errors import UsageError
from topologies.errors import printable

_LARGEST = (1 << 32) - 2
"""The largest number of a user or group: to set the one above, -1, is to change nothing (setreuid(2))."""


@dataclass(frozen=True)
class Caller:
    """A user who isn't root: number, groups, and environment."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` as the user's environment: their home, without the variables of sudo."""
        own = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        return {key: value for key, value in base.items() if not key.startswith("SUDO_")} | own


def caller(note: Path) -> Caller | None:
    """Return the user that controllers run as, None for the current one; `note` is the file with this user.

    If the file is missing, it is the user who called sudo (sudo(8): SUDO_UID, SUDO_GID).
    """
    if os.geteuid() != 0:
        return None
    try:
        return _parsed(json.loads(note.read_bytes()))
    except FileNotFoundError:
        return _who_called_sudo()


def note_caller(note: Path, who: Caller | None) -> None:
    """Write down the user that controllers run as, unless this was done before."""
    if not note.exists():
        write_atomically(note, json.dumps(who and asdict(who)))


def _parsed(data: Any) -> Caller | None:
    return Caller(**data | {"groups": tuple(data["groups"])}) if data else None


def _who_called_sudo() -> Caller | None:
    number, gid = _number("SUDO_UID"), _number("SUDO_GID")
    if not number:
        return None
    try:
        entry = pwd.getpwuid(number)
    except KeyError:  # a container may know no name for it
        group = number if gid is None else gid
        return Caller(number, group, (group,), str(number), "/")
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Caller(number, entry.pw_gid, groups, entry.pw_name, entry.pw_dir)


def _number(variable: str) -> int | None:
    """Return the user or group number in an environment variable; None if it isn't set.

    UsageError if a process can't have this number.
    """
    text = os.environ.get(variable, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)) and int(text) <= _LARGEST:
        return int(text)
    raise UsageError(
        f"{variable} is `{printable(text[:40])}`, which is not the number of a user (0 to {_LARGEST}), and "
        f"controllers run as that user; run this by `sudo emulator …`, or unset {variable}"
    )
