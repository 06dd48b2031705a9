"""End every process that a Mininet file starts, even after `setsid`. Part of mininet_child.py.

There are three processes: this one, which waits; the first of a PID namespace, with which the kernel ends
all others in it; and inside that namespace the one that runs the file. Without root the PID namespace needs a
user namespace of the user's own. Where neither is allowed, this process becomes the reaper of orphans
(PR_SET_CHILD_SUBREAPER, prctl(2)) and kills its descendants until there are none: only programs that are
setuid may outlive that.

It uses the standard library only, since it runs isolated. `os.unshare` exists from Python 3.12 on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 4.0

_libc = ctypes.CDLL(None, use_errno=True)


class _AskedToEndError(BaseException):
    """SIGTERM: the time is over, or the waiting command was killed."""


def run_caged(work: Callable[[], None]) -> NoReturn:
    """Run `work` in its own process, end all processes that it started, and exit the way it did."""
    signal.signal(signal.SIGTERM, _end)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    code = 1
    try:
        code = _in_namespace(work) if _new_pids() else _reaped(work)
    except _AskedToEndError:
        code = -signal.SIGTERM
    _leave(code)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _AskedToEndError


def _new_pids() -> bool:
    """Start the next children in a new PID namespace; return whether that is allowed."""
    if _libc.unshare(_CLONE_NEWPID) == 0:
        return True
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID):
        return False
    with suppress(OSError):  # without a map the user is nobody (user_namespaces(7)), which works too
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    return True


def _in_namespace(work: Callable[[], None]) -> int:
    """Return the exit code of `work`, run by a child of the first process of the new PID namespace.

    The first process doesn't run it itself: it ignores its own signals (pid_namespaces(7)).
    """
    result, report = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(result)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker = _started(work)
        while (ended := os.wait())[0] != worker:
            pass
        os.write(report, ended[1].to_bytes(4, "little"))
        os._exit(0)
    os.close(report)
    try:
        text = os.read(result, 4)
    finally:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)  # returns when all in the namespace have ended
    return os.waitstatus_to_exitcode(int.from_bytes(text, "little")) if text else -signal.SIGKILL


def _reaped(work: Callable[[], None]) -> int:
    """Return the exit code of `work`, run by a child, and kill all remaining descendants."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker = _started(work)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    finally:
        deadline = time.monotonic() + _PATIENCE
        while (left := _descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.01)


def _started(work: Callable[[], None]) -> int:
    """Start a child that runs `work`, and return its PID."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            work()
        finally:
            os._exit(1)
    return pid


def _descendants(root: int) -> list[int]:
    """Return the running descendants of `root` (proc_pid_stat(5): state, parent)."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                words = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(words[1]), []).append(int(folder.name))
    found, new = [], [root]
    while new:
        new = [child for parent in new for child in children.get(parent, [])]
        found += new
    return found


def _leave(code: int) -> NoReturn:
    """Exit with code `code`, or by the signal -`code`, so that the waiting process sees the same."""
    if code < 0:
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
