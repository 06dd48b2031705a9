"""What is mounted where: the folder of the networks' own mounts, and letting go of one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from emulator.linux import syscalls

_OCTAL = re.compile(rb"\\([0-7]{3})")
"""How the mount table writes spaces and the like."""


def ensure_private(folder: Path) -> None:
    """Make `folder` a mount of its own with private propagation, once.

    A mount namespace can be bound only where the mount doesn't spread to other namespaces, and
    systemd makes everything spread. The folder is made if need be, and is ours: a mount that
    somebody else made is neither changed nor, later, unmounted.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_mount(folder):
        syscalls.mount(str(folder), str(folder), flags=syscalls.MS_BIND)
    syscalls.mount("none", str(folder), flags=syscalls.MS_PRIVATE)


def is_mount(path: Path) -> bool:
    """Return whether something is mounted on `path` (absolute), by this process's mount table."""
    wanted = os.fsencode(path)
    with open("/proc/thread-self/mountinfo", "rb") as table:
        return any(_unescaped(line.split(b" ", 5)[4]) == wanted for line in table)


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)


def unmount_all(path: Path) -> None:
    """Unmount everything that is mounted on `path`, as often as something is."""
    while is_mount(path):
        syscalls.umount(str(path), syscalls.MNT_DETACH)
