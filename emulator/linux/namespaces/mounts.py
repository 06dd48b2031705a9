"""Mounts: the private folder of the networks' mounts, mount checks, unmounting."""

from __future__ import annotations

import os
import re
from pathlib import Path

from emulator.errors import UnableError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.first_process import first_process
from emulator.linux.namespaces.guard import outside_mount

_OCTAL = re.compile(rb"\\([0-7]{3})")
"""Escapes of special characters in the mount table."""


def ensure_private(folder: Path) -> None:
    """Make `folder` a mount of its own with private propagation, once.

    A mount namespace can be bound only where mounts don't propagate to other namespaces, and systemd
    makes all mounts propagate. The folder is created if it doesn't exist. A mount of another program
    is neither changed nor later unmounted.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_mount(folder):
        syscalls.mount(str(folder), str(folder), flags=syscalls.MS_BIND)
    syscalls.mount("none", str(folder), flags=syscalls.MS_PRIVATE)


def is_mount(path: Path, table: str = "/proc/thread-self/mountinfo") -> bool:
    """Return whether something is mounted on `path` (absolute), by the mount table of a process."""
    wanted = os.fsencode(path)
    with open(table, "rb") as lines:
        return any(_unescaped(line.split(b" ", 5)[4]) == wanted for line in lines)


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)


def is_private() -> bool:
    """Return whether this mount namespace, and mounts made in it, end with its processes.

    Such a namespace differs from that of process 1 but has the same root: that of `unshare --mount`, of
    `ip netns exec`, of a service with private mounts. A container has its own process 1 or another root.
    """
    first = first_process()
    if first is None:
        return False
    machine = os.stat(f"{first}/ns/mnt").st_ino
    return outside_mount() != machine and os.path.samestat(os.stat("/"), os.stat(f"{first}/root/"))


def require_lasting() -> None:
    """Raise UnableError in a private namespace: networks created in it end with it, others are hidden."""
    if is_private():
        raise UnableError(
            "this is a mount namespace of its own (unshare --mount, ip netns exec, a service with private "
            "mounts): networks created here would be lost with it, and others can't be reached; "
            "run this outside: nsenter --target 1 --mount -- emulator …"
        )


def unmount_all(path: Path) -> None:
    """Unmount all mounts on `path`, including stacked ones."""
    while is_mount(path):
        syscalls.umount(str(path), syscalls.MNT_DETACH)
