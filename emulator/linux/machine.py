"""What this machine has: memory that is free for use, and kernel limits."""

from __future__ import annotations

from emulator.linux.sysctl import read


def available_memory() -> int | None:
    """Return how much memory can be used without swapping, in bytes; None when the kernel doesn't say.

    MemAvailable of /proc/meminfo (proc_meminfo(5)).
    """
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def limit(name: str) -> int | None:
    """Return the value of the sysctl `name`; None when this kernel has none or doesn't show it."""
    try:
        return int(read(name))
    except (OSError, ValueError):
        return None


def mount_count() -> int:
    """Return how many mounts this process sees; 0 when the kernel doesn't say."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
