"""Sysctls: read, set, and those of a namespace being made."""

from __future__ import annotations

import os
from pathlib import Path

from emulator.errors import UnableError


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)


def disable_ipv6_here() -> None:
    """Keep IPv6 off every interface that this thread's namespace will get.

    One write per namespace; thousands of them are slow (equal names pile up in one dentry hash
    chain), so hosts do without and use a message per link.
    """
    try:
        _write("/proc/sys/net/ipv6/conf/default/disable_ipv6", b"1")
    except FileNotFoundError:  # a kernel without IPv6
        return


def read(name: str) -> str:
    """Return the value of the sysctl `name` (dots), stripped."""
    return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()


def write(name: str, value: str) -> None:
    """Set the sysctl `name`; raise UnableError when this machine doesn't allow it."""
    path = Path("/proc/sys", *name.split("."))
    try:
        path.write_text(value, encoding="ascii")
    except OSError as error:
        raise UnableError(
            f"can't set sysctl {name} to {value}: {error.strerror}; set it by hand as root"
        ) from error
