"""Wait for commands that run in nodes. They end with the calling command.

Ctrl-C on a terminal signals all processes of the foreground group, so a command with the terminal has
received it already. It must not receive a second one: many programs then stop immediately. A command
without the terminal is in a process group of its own. That group receives the signals of this process. At
the timeout the whole group is killed, including the command's children.
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
from functools import partial

from emulator.commands import ERRORS, TIMED_OUT, CommandResult, Heard
from emulator.linux.processes.interrupts import InterruptedByUserError, Stopped, deferred
from emulator.linux.processes.line_reader import follow
from emulator.signals import handled

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 2.0
"""Time for commands to end by themselves before they are killed, in seconds."""

_SLICE = 0.5
"""Interval in seconds at which a waiting thread checks whether to continue."""

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

    `start(apart)` starts it, in its own process group if `apart`. The command handles signals that ask us to
    stop. If a signal ends it, the exit code is 128 plus the signal's number, as in shells. After `timeout`
    seconds it is killed and the exit code is TIMED_OUT.
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
    """Forward signals to the process once it is set, including signals that arrived earlier."""
    attended: list[Process] = []
    early: list[int] = []

    def passed_on(number: int) -> None:
        if terminal and number == signal.SIGINT:
            return  # the command has it or gets the next: the moment of its fork is unknown
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
    names: Sequence[str],
    starts: Sequence[Callable[[], Process]],
    timeout: float | None,
    stopped: Callable[[], bool] | None = None,
    heard: Heard | None = None,
) -> list[CommandResult]:
    """Start commands, each in its own process group, and return their results in order.

    With `heard`, each line of output goes there at once, from several threads, and none is in the results.

    If one can't be started, or this thread is stopped (KeyboardInterrupt), all of them are ended. In
    other threads than the main one `stopped()` tells whether to stop; then it raises `Stopped`.
    """
    processes: list[Process] = []
    results: list[Future[CommandResult]] = []
    over = threading.Event()
    with ThreadPoolExecutor(max(len(starts), 1)) as pool:
        try:
            with deferred() as noted:  # every started command must be recorded
                for start in starts:
                    noted.check()
                    processes.append(start())
                wait_for_one = _result if heard is None else partial(_followed, heard)
                results += [
                    pool.submit(wait_for_one, name, process, timeout, over)
                    for name, process in zip(names, processes, strict=True)
                ]
                noted.check()
            while wait(results, None if stopped is None else _SLICE).not_done:
                if stopped is not None and stopped():
                    raise Stopped(signal.SIGINT)  # noqa: TRY301 -- as Ctrl-C does
        except BaseException as error:
            _end(processes, results, over)
            if isinstance(error, InterruptedByUserError):
                raise Stopped(error.number) from None
            raise
    return [result.result() for result in results]


def _result(name: str, process: Process, timeout: float | None, over: threading.Event) -> CommandResult:
    """Return a command's result once it ends, reaches its timeout, or `over` is set."""
    end = math.inf if timeout is None else time.monotonic() + timeout
    while time.monotonic() < end and not over.is_set():
        try:
            output, errors = process.communicate(timeout=max(0.0, min(_SLICE, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            continue  # no output is lost
        return CommandResult(name, process.returncode, output, errors)
    _send(process, signal.SIGKILL, group=True)
    output, errors = _rest(process)
    return CommandResult(name, TIMED_OUT, output, errors + b"timed out\n")


def _followed(
    heard: Heard, name: str, process: Process, timeout: float | None, over: threading.Event
) -> CommandResult:
    """Return the same without the output, whose lines `heard` gets as they come."""
    end = math.inf if timeout is None else time.monotonic() + timeout
    complete = follow(process, partial(heard, name), lambda: over.is_set() or time.monotonic() >= end)
    while complete and time.monotonic() < end and not over.is_set():
        with suppress(subprocess.TimeoutExpired):  # it has closed its outputs, and runs on
            code = process.wait(_SLICE)
            _forget(process)
            return CommandResult(name, code)
    _send(process, signal.SIGKILL, group=True)
    _forget(process)
    heard(name, b"timed out", ERRORS)
    return CommandResult(name, TIMED_OUT)


def _rest(process: Process) -> tuple[bytes, bytes]:
    """Return the output of a killed command; children outside its group may hold the pipe open for ever."""
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
    if not results:  # some are started, but no thread waits for them yet
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
    if process.returncode is not None:  # its number may already be reused
        return
    with suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
