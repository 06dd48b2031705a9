"""Release a network's namespaces and wait until the kernel has destroyed them."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from emulator.errors import BrokenError, KernelError
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.syscalls import CLONE_NEWNET, unshare
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.processes.running import net_namespace, stat

_OUTSIDE, _INSIDE = 10, 11
_PATIENCE = 10.0
"""Time for killed processes to end, in seconds."""
_RTMGRP_LINK = 1
_LOOK = 0.02
_ALLOWED_SECONDS = 10.0
"""Time for the kernel to allow a sentinel again, once it has destroyed earlier namespaces."""


class Sentinel:
    """Namespace that is released last: when the kernel has destroyed it, all earlier ones are gone.

    One kernel thread destroys namespaces in the order of their release (net/core/net_namespace.c,
    cleanup_net). The sentinel holds one end of a veth pair. The other end is in a namespace of this process,
    where its disappearance is a netlink event. If the process is killed, both namespaces vanish with it.
    Where no more namespaces are allowed, it is made once the kernel has destroyed some of the earlier ones.
    """

    def __init__(self) -> None:
        self._is_made = self._made()

    def _made(self) -> bool:
        """Make it; False if a limit doesn't allow that now."""
        try:
            self._make()
        except KernelError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        return True

    def _make(self) -> None:
        with namespace_guard("net"):
            unshare(CLONE_NEWNET)
            self._doomed = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                unshare(CLONE_NEWNET)
            except KernelError:
                os.close(self._doomed)
                raise
            self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            with Netlink() as netlink:
                pair = messages.veth(
                    b"sentinel", _INSIDE, b"\x02\0\0\0\0\1", self._doomed, 0, up=False,
                    peer_name=b"outside", peer_index=_OUTSIDE, peer_mac=b"\x02\0\0\0\0\2",
                )  # fmt: skip
                batch = Batch()
                batch.add(pair, "make", "the sentinel")
                netlink.run(batch)
            self._events.bind((0, _RTMGRP_LINK))

    def wait(self, timeout: float = 600.0) -> None:
        """Release the sentinel and wait until it is destroyed; BrokenError after `timeout` s.

        Where others use up all namespaces, nothing can tell when ours are gone; they are released.
        """
        until = time.monotonic() + _ALLOWED_SECONDS
        while not self._is_made:
            if time.monotonic() > until:
                return
            time.sleep(_LOOK)
            self._is_made = self._made()
        os.close(self._doomed)
        deadline = time.monotonic() + timeout
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self._events], [], [], left)[0]:
                    raise BrokenError(f"the kernel has not let go of the namespaces after {timeout:.0f} s")
                if int.from_bytes(self._events.recv(65536)[4:6], "little") == messages.RTM_DELLINK:
                    return
        finally:
            self._events.close()


class _Inside:
    """Tests whether a process is in one of the network namespaces `inodes`, or was started in one.

    Mounts show where it was started: commands in nodes see the network's own `hosts` as /etc/hosts. So do
    their children, even in a network namespace of their own.
    """

    def __init__(self, inodes: Iterable[int], hosts: Path | None) -> None:
        self._inodes = frozenset(inodes)
        self._hosts = hosts and _identity(str(hosts))
        if self._hosts == _identity("/etc/hosts"):
            self._hosts = None

    def __call__(self, pid: int) -> bool:
        if net_namespace(pid) in self._inodes:
            return True
        return self._hosts is not None and _identity(f"/proc/{pid}/root/etc/hosts") == self._hosts


def kill_inside(inodes: Iterable[int], hosts: Path | None = None) -> None:
    """Kill every process that is in one of the network namespaces `inodes`.

    With `hosts`, the network's hosts file, also kill those that were started there and moved to a network
    namespace of their own. Processes are selected by their namespaces and mounts, never by name.
    Raises BrokenError when a process doesn't end.
    """
    kill_each(_Inside(inodes, hosts))


def kill_each(ours: Callable[[int], bool]) -> None:
    """Kill every process for whose number `ours` is true.

    This repeats until none is left, because a process may be forking. Signals use a pidfd, so that a reused
    process number is never hit.
    Raises BrokenError when a process doesn't end.
    """
    deadline = time.monotonic() + _PATIENCE
    while found := _processes_in(ours):
        for pid in found:
            with suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    if ours(pid):
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        select.select([handle], [], [], 1.0)
                finally:
                    os.close(handle)
        if time.monotonic() > deadline:
            raise BrokenError(f"processes {sorted(found)} don't end; they may be stuck in the kernel")


def processes_inside(inodes: Iterable[int], hosts: Path | None = None) -> list[int]:
    """Return the processes that `kill_inside` would kill."""
    return _processes_in(_Inside(inodes, hosts))


def _processes_in(ours: Callable[[int], bool]) -> list[int]:
    me = os.getpid()
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if pid != me and ours(pid) and not _has_ended(pid)]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_ended(pid: int) -> bool:
    found = stat(pid)
    return found is None or found.ended
