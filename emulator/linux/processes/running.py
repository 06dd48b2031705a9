"""Read a process's state from the kernel (proc_pid_stat(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple


class Stat(NamedTuple):
    """`state` is the first thread's letter, `start` in clock ticks since boot: no two of a pid share it."""

    state: str
    session: int
    threads: int
    start: int

    @property
    def ended(self) -> bool:
        """Whether all its threads have ended: if only the first has, it looks like a zombie and runs on."""
        return self.state in "ZX" and self.threads < 2


def stat(pid: int) -> Stat | None:
    """Return what /proc/PID/stat says (fields 3, 6, 20 and 22); None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
        return Stat(words[0].decode(), int(words[3]), int(words[17]), int(words[19]))
    except (OSError, IndexError):
        return None


def net_namespace(pid: int) -> int:
    """Return the inode of a process's network namespace; -1 when there is none to be seen.

    A first thread that has ended has none any more, and those that run on are asked.
    """
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return next(_of_threads(pid), -1)


def _of_threads(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                yield os.stat(f"/proc/{pid}/task/{thread}/ns/net").st_ino
