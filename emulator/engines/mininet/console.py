"""Mininet's own command line on this process's terminal: the driver runs it on a pseudo-terminal.

Ctrl-C then reaches Mininet through the pseudo-terminal. It ends commands of Mininet, not this process.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import threading
from contextlib import suppress

from emulator.engines.driven.client import Driver
from emulator.engines.raw_terminal import raw_terminal
from emulator.errors import EmulationError

_A_WEEK = 7.0 * 24 * 3600
_CHUNK = 1 << 16


def open_command_line(driver: Driver) -> None:
    """Run Mininet's command line until the user leaves it; BrokenError when the driver can't."""
    if not sys.stdin.isatty():
        _by_pipes(driver)
        return
    master, slave = pty.openpty()
    done, told = os.pipe()
    failed: list[EmulationError] = []

    def run() -> None:
        try:
            driver.ask(("cli", {"files": [os.ttyname(slave)] * 3}), seconds=_A_WEEK, watched=False)
        except EmulationError as error:
            failed.append(error)
        finally:
            os.close(told)

    try:
        with suppress(OSError):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        with raw_terminal():
            _relay(master, done)
        thread.join(1.0)
    finally:
        for descriptor in (master, slave, done):
            os.close(descriptor)
    if failed:
        raise failed[0]


def _by_pipes(driver: Driver) -> None:
    """Run it on this process's standard input and on pipes: a reopened output file would restart at 0."""
    pipes = [os.pipe(), os.pipe()]
    threads = []
    try:
        for target, (reader, _) in enumerate(pipes, 1):
            threads.append(threading.Thread(target=_copy, args=(reader, target), daemon=True))
            threads[-1].start()
        numbers = (0, *(writer for _, writer in pipes))
        files = [f"/proc/{os.getpid()}/fd/{number}" for number in numbers]
        driver.ask(("cli", {"files": files}), seconds=_A_WEEK, watched=False)
    finally:
        for _, writer in pipes:
            os.close(writer)
        for thread in threads:
            thread.join()


def _copy(reader: int, target: int) -> None:
    """Copy the data from a pipe until its last writer has closed it."""
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while data := pipe.read(_CHUNK):
            os.write(target, data)


def _relay(master: int, done: int) -> None:
    """Relay input to the command line and its output back, until `done` signals the end."""
    while True:
        ready, _, _ = select.select([0, master, done], [], [])
        if master in ready:
            os.write(1, os.read(master, _CHUNK))
        elif done in ready:
            return
        if 0 in ready:
            typed = os.read(0, _CHUNK)
            if not typed:
                return
            os.write(master, typed)
