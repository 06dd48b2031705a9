"""Who a network's controllers run as: the user who called sudo, since a file says what they are.

What a file's `controller: {command: …}` names is its author's choice, not root's. The user is written down
with the first start, so that a controller that another command starts again stays theirs.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emulator.errors import UsageError
from topologies.errors import printable

_LARGEST = (1 << 32) - 2
"""The largest number of a user or group: to set the one above, -1, is to change nothing (setreuid(2))."""


@dataclass(frozen=True)
class Caller:
    """A user who isn't root: number, groups, and what their environment says of them."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` as the user's: their home, and nothing of the sudo by which root came."""
        own = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        return {key: value for key, value in base.items() if not key.startswith("SUDO_")} | own


def caller(note: Path) -> Caller | None:
    """Return as whom controllers run, None for as ourselves; `note` is where that is written down.

    Who called sudo (sudo(8): SUDO_UID, SUDO_GID) counts when nothing is written down.
    """
    if os.geteuid() != 0:
        return None
    try:
        return _parsed(json.loads(note.read_bytes()))
    except FileNotFoundError:
        return _who_called_sudo()


def note_caller(note: Path, who: Caller | None) -> None:
    """Write down as whom controllers run, unless that is written down already."""
    if not note.exists():
        part = note.with_suffix(".part")
        part.write_text(json.dumps(who and asdict(who)), encoding="utf-8")
        part.replace(note)


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
    """Return the number of a user or group that an environment variable holds; None when it isn't set.

    UsageError when it is none that a process can be set to.
    """
    text = os.environ.get(variable, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)) and int(text) <= _LARGEST:
        return int(text)
    raise UsageError(
        f"{variable} is `{printable(text[:40])}`, which is no number of a user (0 to {_LARGEST}), and "
        f"controllers run as that user; run this by `sudo emulator …`, or unset {variable}"
    )
