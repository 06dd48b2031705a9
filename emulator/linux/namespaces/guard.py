"""Guard that returns a thread to its original namespaces."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.syscalls import CLONE_FS, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS

_thread = threading.local()
"""`outside`: a descriptor of this thread's mount namespace before all `namespace_guard("mnt")`.

`machine`: a descriptor of its network namespace before all `namespace_guard("net")`, the machine's own.
"""


def opened(path: str) -> int:
    """Return a descriptor of the namespace at `path`."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def namespace_guard(*kinds: str) -> Iterator[None]:
    """Return to the present namespaces (`"net"`, `"mnt"`) at the end, also after an exception.

    "mnt" also restores the current directory and the root, because the kernel changes both.
    """
    flags = {"net": CLONE_NEWNET, "mnt": CLONE_NEWNS, "uts": CLONE_NEWUTS}
    places: list[int] = []
    if "mnt" in kinds:
        # a mount namespace can't be entered while threads share the root and current directory
        syscalls.unshare(CLONE_FS)
        places += (os.open(place, os.O_PATH | os.O_CLOEXEC) for place in ("/", "."))
    saved = [(opened(f"/proc/thread-self/ns/{kind}"), flags[kind]) for kind in kinds]
    was_outside = getattr(_thread, "outside", None)
    if "mnt" in kinds and was_outside is None:
        _thread.outside = next(fd for fd, kind in saved if kind == CLONE_NEWNS)
    machine = getattr(_thread, "machine", None)
    if "net" in kinds and machine is None:
        _thread.machine = next(fd for fd, kind in saved if kind == CLONE_NEWNET)
    try:
        yield
    finally:
        _thread.outside, _thread.machine = was_outside, machine
        if places:
            syscalls.unshare(CLONE_FS)  # a thread started meanwhile shares them
        for fd, kind in saved:
            syscalls.setns(fd, kind)
            os.close(fd)
        if places:
            _return_to(*places)


def _return_to(root: int, cwd: int) -> None:
    """Set this thread's root and current directory to two open directories, and close them."""
    with suppress(OSError):
        os.fchdir(root)
        os.chroot(".")
    with suppress(OSError):
        os.fchdir(cwd)
    os.close(root)
    os.close(cwd)


def go_to_network(process: str) -> None:
    """Enter the network namespace of a process, by its folder under /proc; OSError if it has ended."""
    descriptor = opened(f"{process}/ns/net")
    try:
        syscalls.setns(descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


@contextmanager
def machine_network() -> Iterator[None]:
    """Enter the network namespace that this thread was in before all guards: the machine's own."""
    with namespace_guard("net"):
        syscalls.setns(_thread.machine, CLONE_NEWNET)
        yield


def go_outside() -> None:
    """Enter the mount namespace that this thread was in before all `namespace_guard("mnt")`."""
    syscalls.setns(_thread.outside, CLONE_NEWNS)


def outside_mount() -> int:
    """Return the inode of the mount namespace outside all guards, else of this thread's own."""
    outside = getattr(_thread, "outside", None)
    return os.stat("/proc/thread-self/ns/mnt" if outside is None else outside).st_ino
