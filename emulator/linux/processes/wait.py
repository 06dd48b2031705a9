"""Wait for commands that run in nodes; they end with the command that asked for them.

Ctrl-C on a terminal is a signal to all processes of the group in its foreground, so a command that has
the terminal has got it already, and one more could be one too many (many programs take the second
Ctrl-C for "at once"). A command without the terminal is in a group of its own: that group gets what
this process gets, and is killed whole when its time is over, with what the command had started.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

from emulator.commands import TIMED_OUT, CommandResult
from emulator.linux.processes.interrupts import InterruptedByUserError, Stopped, deferred
from emulator.signals import handled

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 2.0
"""Seconds that commands get to end by themselves before they are killed."""

_SLICE = 0.5
"""Seconds after which one who waits for a command looks whether it still should."""

Process = subprocess.Popen[bytes]


def has_terminal() -> bool:
    """Return whether this process is in the foreground of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def wait_for(start: Callable[[bool], Process], timeout: float | None) -> int:
    """Start a command that uses our input and output, wait for it, and return its exit code.

    `start(apart)` starts it, in a group of its own or not. A signal that asks us to stop is the command's
    to obey; the exit code of one that a signal ended is 128 and its number, as shells have it. After
    `timeout` seconds it is killed and the exit code is TIMED_OUT.
    """
    terminal = has_terminal()
    with _passed_on(terminal=terminal) as started:
        process = start(not terminal)
        started(process)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            _send(process, signal.SIGKILL, group=not terminal)
            process.wait()
            return TIMED_OUT
    return code if code >= 0 else 128 - code


@contextmanager
def _passed_on(*, terminal: bool) -> Iterator[Callable[[Process], None]]:
    """Pass signals on to the process that is told, also those that came before it was there."""
    attended: list[Process] = []
    early: list[int] = []

    def passed_on(number: int) -> None:
        if terminal and number == signal.SIGINT:
            return  # it has it, or will have the next: nobody can tell whether it was forked a moment before
        if attended:
            _send(attended[0], number, group=not terminal)
        else:
            early.append(number)

    def started(process: Process) -> None:
        attended.append(process)
        for number in early:
            _send(process, number, group=not terminal)

    with handled(_PASSED_ON, passed_on):
        yield started


def gather(
    names: Sequence[str], starts: Sequence[Callable[[], Process]], timeout: float | None
) -> list[CommandResult]:
    """Start commands, each in a group of its own, and return what each gave, in order.

    When one can't be started, or this thread is stopped (KeyboardInterrupt), all of them are ended.
    """
    processes: list[Process] = []
    results: list[Future[CommandResult]] = []
    over = threading.Event()
    with ThreadPoolExecutor(max(len(starts), 1)) as pool:
        try:
            with deferred() as noted:  # no command may start and not be known
                for start in starts:
                    noted.check()
                    processes.append(start())
                results += [
                    pool.submit(_result, name, process, timeout, over)
                    for name, process in zip(names, processes, strict=True)
                ]
                noted.check()
            wait(results)
        except BaseException as error:
            _end(processes, results, over)
            if isinstance(error, InterruptedByUserError):
                raise Stopped(error.number) from None
            raise
    return [result.result() for result in results]


def _result(name: str, process: Process, timeout: float | None, over: threading.Event) -> CommandResult:
    """Return what a command gives until it ends, its time is over, or all is `over`."""
    end = math.inf if timeout is None else time.monotonic() + timeout
    while time.monotonic() < end and not over.is_set():
        try:
            output, errors = process.communicate(timeout=max(0.0, min(_SLICE, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            continue  # nothing that it said is lost
        return CommandResult(name, process.returncode, output, errors)
    _send(process, signal.SIGKILL, group=True)
    output, errors = _rest(process)
    return CommandResult(name, TIMED_OUT, output, errors + b"timed out\n")


def _rest(process: Process) -> tuple[bytes, bytes]:
    """Return what a killed command has said; what left its group may hold its output open for ever."""
    try:
        return process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        _forget(process)
        return error.output or b"", error.stderr or b""


def _forget(process: Process) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _end(
    processes: Sequence[Process], results: Sequence[Future[CommandResult]], over: threading.Event
) -> None:
    """Ask all commands to end, kill those that don't, and wait for them."""
    if not results:  # some are started, and nobody waits for them yet
        for process in processes:
            _send(process, signal.SIGKILL, group=True)
            _forget(process)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        for process in processes:
            _send(process, number, group=True)
        if not wait(results, timeout=_PATIENCE / 2).not_done:
            return
    over.set()
    wait(results)


def _send(process: Process, number: int, *, group: bool) -> None:
    if process.returncode is not None:  # its number may be another's by now
        return
    with suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
