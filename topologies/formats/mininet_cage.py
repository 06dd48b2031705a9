"""Everything that a Mininet file starts ends with it, `setsid` or not. Part of mininet_child.py.

Three processes: this one, which waits; the first of a PID namespace, with which the kernel ends all in it;
and in that the one that runs the file. Without root the namespace needs a user namespace of the user's own.
Where neither may be made, orphans are handed to this process instead of the machine's first
(PR_SET_CHILD_SUBREAPER, prctl(2)), which kills its descendants until there are none: what the file started
by setuid programs may outlive that.

Nothing but the standard library: it runs isolated. `os.unshare` exists from Python 3.12 on.
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
    """SIGTERM: the time is over, or the command that waits for us was killed."""


def run_caged(work: Callable[[], None]) -> NoReturn:
    """Run `work` in a process of its own, end all that it started, and end as it ended."""
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
    """Let the next children be in a PID namespace of their own; return whether that may be."""
    if _libc.unshare(_CLONE_NEWPID) == 0:
        return True
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID):
        return False
    with suppress(OSError):  # who may not say who they are is nobody (user_namespaces(7)), and runs too
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    return True


def _in_namespace(work: Callable[[], None]) -> int:
    """Return how `work` ended, run by a child of the first process of the new PID namespace.

    The first process isn't to run it itself: no signal of its own ends it (pid_namespaces(7)).
    """
    result, tell = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(result)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker = _started(work)
        while (ended := os.wait())[0] != worker:
            pass
        os.write(tell, ended[1].to_bytes(4, "little"))
        os._exit(0)
    os.close(tell)
    try:
        text = os.read(result, 4)
    finally:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)  # returns when all in the namespace have ended
    return os.waitstatus_to_exitcode(int.from_bytes(text, "little")) if text else -signal.SIGKILL


def _reaped(work: Callable[[], None]) -> int:
    """Return how `work` ended, run by a child, and kill all descendants that are left."""
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
    """Start a child that does `work`, and return its number."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            work()
        finally:
            os._exit(1)
    return pid


def _descendants(root: int) -> list[int]:
    """Return the processes that come from `root` and haven't ended (proc_pid_stat(5): state, parent)."""
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
    """End with exit code `code`, or by the signal -`code`, so that whoever waits sees what was."""
    if code < 0:
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
