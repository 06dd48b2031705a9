"""Network namespaces by their identity, the device and inode of their file, as a record keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from emulator.linux.namespaces.first_process import first_process


def network_identity(process: str = "/proc/thread-self") -> str:
    """Return the identity of the network namespace of a process, by its folder; OSError if it has ended."""
    status = os.stat(f"{process}/ns/net")
    return f"{status.st_dev}:{status.st_ino}"


def processes_in(identity: str) -> Iterator[str]:
    """Yield the folders of the processes in the network namespace `identity`."""
    numbers = (f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit())
    for process in ("/proc/thread-self", first_process() or "/proc/1", *numbers):
        found = ""
        with suppress(OSError):  # it has ended
            found = network_identity(process)
        if found == identity:
            yield process
