"""Sysctls: read, set, and those of a namespace being made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.first_process import first_process
from emulator.linux.namespaces.guard import namespace_guard, opened


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


def _path(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def read(name: str) -> str:
    """Return the value of the sysctl `name` (dots), stripped."""
    return _path(name).read_text(encoding="ascii").strip()


def read_global(name: str) -> int | None:
    """Return the value of a sysctl of the whole machine; None when it can't be seen from here."""
    with _where_it_is(name):
        try:
            return int(read(name))
        except (OSError, ValueError):
            return None


def write_global(name: str, value: int) -> bool:
    """Set a sysctl of the whole machine; return False when this process may not."""
    with _where_it_is(name):
        try:
            _path(name).write_text(str(value), encoding="ascii")
        except OSError:
            return False
    return True


@contextmanager
def _where_it_is(name: str) -> Iterator[None]:
    """Enter the namespace that shows sysctl `name`: the initial one alone shows those that all share.

    It is that of process 1, except in a container. If it may not be entered, nothing changes.
    """
    process = first_process()
    if process is None or _path(name).exists():
        yield
        return
    with namespace_guard("net"):
        with suppress(OSError):
            first = opened(f"{process}/ns/net")
            try:
                syscalls.setns(first, syscalls.CLONE_NEWNET)
            finally:
                os.close(first)
        yield
