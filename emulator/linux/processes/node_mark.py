"""Mark of the processes in a node, which tells them apart where nodes share a network namespace.

A command in a node has mounts of its own. The source of one of them names the node; for /sys the kernel
ignores the source, and `ip netns exec` writes the namespace's name there too. Children inherit the mark, with
any environment, and in mounts of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from emulator.errors import KernelError
from emulator.linux.namespaces import syscalls

_PREFIX = "topology-emulator:"


def mark_here(node: str, spare: Path) -> None:
    """Mount the namespace's /sys, and mark this thread's mounts as those of `node`.

    Some containers refuse a new /sys. The mark is then on the folder `spare`, where nobody looks.
    """
    source = _PREFIX + node
    try:
        syscalls.mount(source, "/sys", "sysfs")
    except KernelError:
        with suppress(KernelError):
            syscalls.mount(source, str(spare), "tmpfs", data="size=4k")


def node_of(pid: int) -> str | None:
    """Return the name of the node in which a process was started; None if it has no mark or has ended."""
    marks = (source.removeprefix(_PREFIX) for source in _sources(pid) if source.startswith(_PREFIX))
    return next(marks, None)


def _sources(pid: int) -> Iterator[str]:
    """Yield the sources of a process's mounts (proc_pid_mountinfo(5))."""
    for line in _mounts(pid).splitlines():
        words = line.partition(" - ")[2].split(" ")
        if len(words) > 1:
            yield words[1]


def _mounts(pid: int) -> str:
    """Return the mounts of a process; those of another thread if the first one has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="replace")
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                file = Path(f"/proc/{pid}/task/{thread}/mountinfo")
                return file.read_text(encoding="utf-8", errors="replace")
    return ""
