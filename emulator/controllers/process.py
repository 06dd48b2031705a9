"""Processes that outlive the command which started them, and that other commands find again.

Each leads a session of its own. The command writes down its pid, its start time (the kernel reuses
numbers) and its network namespace. The namespace identifies its child processes even after it has
ended.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from emulator.atomic_write import write_atomically
from emulator.linux.processes.caller import Caller
from emulator.linux.processes.running import net_namespace, stat

LARGEST_FILE = 256 << 20
"""Maximum size of a controller's files, in bytes: its log is in memory, and it may log forever."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that this one started and must wait for when they end."""


@dataclass(frozen=True)
class Process:
    """A process: number, start time (clock ticks since boot), inode of its network namespace."""

    pid: int
    start: int
    net: int

    @property
    def running(self) -> bool:
        """True while it runs."""
        _reap(self.pid)
        found = stat(self.pid)
        return found is not None and found.start == self.start and not found.ended

    @property
    def exit_code(self) -> int | None:
        """Exit code, if this process started it; otherwise None."""
        child = _children.get(self.pid)
        return child.poll() if child else None

    def wait(self, seconds: float) -> bool:
        """Return whether it ended within `seconds`."""
        with ExitStack() as stack:
            try:
                handle = os.pidfd_open(self.pid)
            except ProcessLookupError:
                return True
            stack.callback(os.close, handle)
            if not self.running:
                return True
            return bool(select.select([handle], [], [], seconds)[0])

    def stop(self, patience: float = 3.0) -> None:
        """End it and its session: SIGTERM first, SIGKILL after `patience` seconds."""
        deadline = time.monotonic() + patience
        self._signal(signal.SIGTERM)
        while time.monotonic() < deadline and any(True for _ in self._members()):
            if self.wait(0.02):
                time.sleep(0.005)
        while any(True for _ in self._members()):
            self._signal(signal.SIGKILL)
            time.sleep(0.005)
            if time.monotonic() > deadline + 10:
                raise TimeoutError(f"process {self.pid} doesn't end; it may be stuck in the kernel")
        _reap(self.pid)
        _children.pop(self.pid, None)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._members():
            with suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    if self._is_member(pid):  # the process id may have been reused
                        signal.pidfd_send_signal(handle, number)
                finally:
                    os.close(handle)

    def _members(self) -> Iterator[int]:
        if self.running and self._is_member(self.pid):
            yield self.pid
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.pid and self._is_member(int(entry.name)):
                yield int(entry.name)

    def _is_member(self, pid: int) -> bool:
        found = stat(pid)
        if found is None or found.ended or found.session != self.pid:
            return False
        return (pid == self.pid and found.start == self.start) or net_namespace(pid) == self.net


def start(
    argv: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path | None = None, *,
    inherit: Sequence[int] = (), user: Caller | None = None, limited: bool = True,
) -> Process:  # fmt: skip
    """Start `argv` in the calling thread's namespaces, in a session of its own.

    Standard input is empty. Output is appended to the file `log` (0600), which belongs to the process's
    user, so that it may open its own streams by name. It inherits the descriptors `inherit`. Its files, if
    `limited`, have LARGEST_FILE bytes at most. Raises OSError.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchown(output, user.uid if user else -1, user.gid if user else -1)
        with _files_limited() if limited else nullcontext():
            child = subprocess.Popen(  # noqa: S603
                list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd,
                env=dict(environment), start_new_session=True, pass_fds=tuple(inherit),
                restore_signals=False,  # SIGXFSZ stays ignored: excess writes fail, no process is killed
                user=user.uid if user else None, group=user.gid if user else None,
                extra_groups=user.groups if user else None,
            )  # fmt: skip
        if limited:
            with suppress(ProcessLookupError, PermissionError):  # root may lack the capability
                resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    finally:
        os.close(output)
    _children[child.pid] = child
    found = stat(child.pid)
    assert found is not None  # noqa: S101 -- a child that isn't waited for has an entry
    return Process(child.pid, found.start, Path("/proc/thread-self/ns/net").stat().st_ino)


@contextmanager
def _files_limited() -> Iterator[None]:
    """Limit the size of files that processes write which are started meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    least = min(limit for limit in (soft, hard, LARGEST_FILE) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def note(process: Process, path: Path) -> None:
    """Write down a process for another command to find (mode 0600)."""
    write_atomically(path, json.dumps(asdict(process)))


def this_process() -> Process:
    """Return the process that calls this."""
    found = stat(os.getpid())
    assert found is not None  # noqa: S101 -- it runs
    return Process(os.getpid(), found.start, Path("/proc/thread-self/ns/net").stat().st_ino)


def noted(path: Path) -> Process | None:
    """Return the process that was written down, running or not; None if there is none."""
    try:
        data = json.loads(path.read_bytes())
        return Process(int(data["pid"]), int(data["start"]), int(data["net"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None:
        child.poll()
