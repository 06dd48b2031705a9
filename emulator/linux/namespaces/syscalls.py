"""System calls that Python 3.11 doesn't offer, by ctypes; each raises KernelError.

`os.unshare` and `os.setns` exist since 3.12, `mount` in no release. ctypes works for all releases.
"""

from __future__ import annotations

import ctypes
import os

from emulator.errors import KernelError

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
CLONE_NEWUTS = 0x04000000
CLONE_FS = 0x00000200

MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_unshare = _libc.unshare
_setns = _libc.setns
_mount = _libc.mount
_mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_umount2 = _libc.umount2
_umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)


def unshare(flags: int, name: str = "a namespace") -> None:
    """Move this thread into new namespaces (`CLONE_NEW*`), which errors call `name`."""
    if _unshare(flags):
        raise KernelError("make", name, ctypes.get_errno())


def setns(fd: int, kind: int = 0) -> None:
    """Move this thread into the namespace that `fd` refers to; `kind` checks its type."""
    if _setns(fd, kind):
        raise KernelError("enter", f"namespace {_target(fd)}", ctypes.get_errno())


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    """Mount `source` on `target`."""
    if _mount(source.encode(), os.fsencode(target), fstype.encode(), flags, data.encode()):
        raise KernelError("mount", target, ctypes.get_errno())


def umount(target: str, flags: int = 0) -> None:
    """Unmount `target`: see umount2(2)."""
    if _umount2(os.fsencode(target), flags):
        raise KernelError("unmount", target, ctypes.get_errno())


def _target(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return f"descriptor {fd}"
