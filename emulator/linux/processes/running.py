"""Read a process's state from the kernel (proc_pid_stat(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple


class Stat(NamedTuple):
    """State of a process. `state` is the first thread's letter.

    `start` is in clock ticks since boot: it distinguishes processes with the same pid.
    """

    state: str
    session: int
    threads: int
    start: int

    @property
    def ended(self) -> bool:
        """True if all threads have ended. If only the first has, the process looks like a zombie but runs."""
        return self.state in "ZX" and self.threads < 2


def stat(pid: int) -> Stat | None:
    """Return fields 3, 6, 20 and 22 of /proc/PID/stat; None if the process doesn't exist."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
        return Stat(words[0].decode(), int(words[3]), int(words[17]), int(words[19]))
    except (OSError, IndexError):
        return None


def net_namespace(pid: int) -> int:
    """Return the inode of a process's network namespace; -1 if none is visible.

    If the first thread has ended, it has no namespace any more. Then the remaining threads are read.
    """
    try:
        return _inode(f"/proc/{pid}/ns/net")
    except OSError:
        return next(_of_threads(pid), -1)


def _of_threads(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                yield _inode(f"/proc/{pid}/task/{thread}/ns/net")


def _inode(link: str) -> int:
    """Return the inode in a link's text, "net:[4026531840]".

    Following the link takes up to twice as long, and removing a node reads those of all processes.
    """
    return int(os.readlink(link)[len("net:[") : -1])
