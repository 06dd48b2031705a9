"""Sysctls: read and set them, also in a namespace being created."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.linux.namespaces.first_process import first_process
from emulator.linux.namespaces.guard import go_to_network, namespace_guard


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)


def disable_ipv6_here() -> None:
    """Disable IPv6 on every future interface of this thread's namespace.

    This takes one write per namespace. Thousands of writes are slow, because equal names pile up in one
    dentry hash chain. Hosts therefore use a message per link instead.
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
    """Return the value of a machine-wide sysctl; None when it isn't visible from here."""
    with _where_it_is(name):
        try:
            return int(read(name))
        except (OSError, ValueError):
            return None


def write_global(name: str, value: int) -> bool:
    """Set a machine-wide sysctl; return False when this process has no permission."""
    with _where_it_is(name):
        try:
            _path(name).write_text(str(value), encoding="ascii")
        except OSError:
            return False
    return True


@contextmanager
def _where_it_is(name: str) -> Iterator[None]:
    """Enter the namespace that shows sysctl `name`: only the initial one shows machine-wide sysctls.

    This is the namespace of process 1, except in a container. Without permission to enter it, nothing
    changes.
    """
    process = first_process()
    if process is None or _path(name).exists():
        yield
        return
    with namespace_guard("net"):
        with suppress(OSError):
            go_to_network(process)
        yield
