"""Check whether this process, which is root, may enter other namespaces and return."""

from __future__ import annotations

import errno
import fcntl
import os

from emulator.errors import KernelError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import opened
from emulator.linux.namespaces.syscalls import CLONE_NEWNET

_NS_GET_USERNS = 0xB701
"""_IO(0xb7, 1) of linux/nsfs.h: get the owning user namespace; EPERM if it is outside of ours."""


def lacking_rights() -> str:
    """Return the reason why namespaces can't be entered from here, as text; empty when they can.

    The test uses this thread's own namespaces, so nothing changes. Without these rights, new namespaces
    can still be created, but the thread can't return from them.
    """
    foreign = [kind for kind in ("net", "mnt") if not _is_ours(kind)]
    if foreign:
        kinds = " and ".join({"net": "network", "mnt": "mount"}[kind] for kind in foreign)
        return (
            f"this is a user namespace, and its {kinds} namespace belongs to another: networks can't be "
            f"created or reached from it; run this outside, or create all three (unshare -Urnm)"
        )
    place = opened("/proc/thread-self/ns/net")
    try:
        syscalls.setns(place, CLONE_NEWNET)
    except KernelError as error:
        if error.errno != errno.EPERM:
            raise
        return "root may not enter network namespaces here (no CAP_SYS_ADMIN); run the container privileged"
    finally:
        os.close(place)
    return ""


def _is_ours(kind: str) -> bool:
    """Return whether this thread's namespace belongs to our user namespace or one below it."""
    place = opened(f"/proc/thread-self/ns/{kind}")
    try:
        os.close(fcntl.ioctl(place, _NS_GET_USERNS))
    except PermissionError:
        return False
    finally:
        os.close(place)
    return True
