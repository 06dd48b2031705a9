"""UNIX sockets at paths of any length, although an address holds only 107 characters (unix(7)).

The socket's folder is opened, and the address refers to that descriptor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def connected(path: Path, timeout: float) -> socket.socket:
    """Return a stream connected to the socket `path`, with a timeout of `timeout` s. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        with _address(path) as address:
            made.connect(address)
    except OSError:
        made.close()
        raise
    return made


def bound(path: Path) -> socket.socket:
    """Return a socket bound at `path`, with access for its owner only; replace any file. Raises OSError."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _address(path) as address:
            made.bind(address)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


@contextmanager
def _address(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
