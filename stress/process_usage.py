"""Usage of one process on this machine: CPU time, memory, open files.

Memory of a run is private memory: resident less shared (proc_pid_statm(5)). The kernel counts its own memory
for namespaces, links and routes for the whole machine only.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")


def usage(process: psutil.Process) -> dict[str, float]:
    """Return the CPU seconds, resident bytes and open files of a process; psutil.Error when it has ended."""
    with process.oneshot():
        times = process.cpu_times()
        memory, descriptors = process.memory_info(), process.num_fds()
    return {"cpu": times.user + times.system, "rss": float(memory.rss), "fds": float(descriptors)}


def private_memory(pid: int) -> int:
    """Return the private memory of a process in bytes; 0 when it has ended."""
    try:
        words = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return (int(words[1]) - int(words[2])) * _PAGE
