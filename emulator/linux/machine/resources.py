"""Memory and kernel limits of this machine."""

from __future__ import annotations

from emulator.linux.sysctl import read


def available_memory() -> int | None:
    """Return the memory available without swapping, in bytes; None where /proc isn't there."""
    import psutil  # not everything that touches the kernel asks for memory

    try:
        return int(psutil.virtual_memory().available)
    except OSError:
        return None


def limit(name: str) -> int | None:
    """Return the value of the sysctl `name`; None where the kernel doesn't have or show it."""
    try:
        return int(read(name))
    except (OSError, ValueError):
        return None


def mount_count() -> int:
    """Return the number of mounts that this process sees; 0 where the kernel doesn't say."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
