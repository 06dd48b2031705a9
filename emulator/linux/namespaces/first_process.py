"""A process in the machine's initial namespaces: process 1; in a container, the container's process 1."""

from __future__ import annotations

import os

_KERNEL_THREAD = 0x00200000
"""PF_KTHREAD (include/linux/sched.h), in field 9 of proc_pid_stat(5)."""


def first_process() -> str | None:
    """Return the /proc folder of a readable process in the initial namespaces; None if there is none.

    This is process 1, unless it holds more capabilities than we do. Then it is process 2, if that is a
    kernel thread: no container has kernel threads.
    """
    if _is_open("/proc/1"):
        return "/proc/1"
    if _is_kernel_thread("/proc/2") and _is_open("/proc/2"):
        return "/proc/2"
    return None


def _is_open(process: str) -> bool:
    try:
        os.stat(f"{process}/ns/mnt")
    except OSError:
        return False
    return True


def _is_kernel_thread(process: str) -> bool:
    try:
        with open(f"{process}/stat", "rb") as file:
            return bool(int(file.read().rpartition(b")")[2].split()[6]) & _KERNEL_THREAD)
    except (OSError, IndexError, ValueError):
        return False
