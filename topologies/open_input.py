"""Open an input file, and don't wait for ever when it is no regular file.

A named pipe without a writer, a terminal and a silent device never end. Pipes are read all the same,
since `emulator up <(generate)` is one: as long as they have a writer.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import time
from pathlib import Path
from typing import BinaryIO

UNOPENED = 3.0
"""Seconds to wait for a writer on a pipe or a device."""
SILENT = 60.0
"""Seconds that a writer may be silent: a program that generates the file may take its time."""
_CHUNK = 1 << 20


def open_input(path: Path, most: int) -> BinaryIO:
    """Return the file at `path`, opened to read; at most `most` bytes of a pipe or device.

    Raises OSError with a message for people, also when nothing arrives.
    """
    mode = path.stat().st_mode
    if stat.S_ISSOCK(mode):
        raise OSError(errno.ENXIO, "it is a socket; give the path of a file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    try:
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if os.isatty(descriptor):
            raise OSError(errno.EINVAL, "it is a terminal; give the path of a file, or a pipe")
        return io.BytesIO(_read(descriptor, most))
    finally:
        os.close(descriptor)


def _read(descriptor: int, most: int) -> bytes:
    """Return the content of a pipe or a device, until its end or `most` bytes."""
    out = bytearray()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    last = time.monotonic()
    while len(out) < most:
        try:
            chunk = os.read(descriptor, min(_CHUNK, most - len(out)))
        except BlockingIOError:  # it has a writer
            patience, chunk = SILENT, b""
        else:
            if not chunk and (out or _has_ended(poll)):
                break
            patience = UNOPENED
        if chunk:
            out += chunk
            last = time.monotonic()
        elif time.monotonic() > last + patience:
            raise OSError(
                errno.ETIMEDOUT, f"nobody wrote to it for {patience:g} seconds; give the path of a file"
            )
        else:
            poll.poll(100)
    return bytes(out)


def _has_ended(poll: select.poll) -> bool:
    """Return whether the last writer has closed it, or reading can't block: an empty read is the end.

    A named pipe without a writer yet reads as empty too, but isn't ready (pipe_poll in fs/pipe.c).
    """
    return bool(poll.poll(0))
