"""Memory and kernel limits of this machine."""

from __future__ import annotations

from emulator.linux.sysctl import read

_MEMORY = "/proc/meminfo"


def available_memory() -> int | None:
    """Return the memory available without swapping, in bytes; None without /proc."""
    try:
        with open(_MEMORY, encoding="ascii") as file:
            found = [line.split()[1] for line in file if line.startswith("MemAvailable:")]
    except OSError:
        return None
    return int(found[0]) * 1024 if found else None


def limit(name: str) -> int | None:
    """Return the value of the sysctl `name`; None if the kernel doesn't have or show it."""
    try:
        return int(read(name))
    except (OSError, ValueError):
        return None


def mount_count() -> int:
    """Return the number of mounts that this process sees; 0 if the kernel doesn't report it."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
