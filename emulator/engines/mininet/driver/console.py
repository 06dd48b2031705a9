"""Mininet's own command line, on files of the emulator: a terminal, or pipes."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from mininet.cli import CLI
from mininet.log import setLogLevel
from serving.deadline import DeadlineError, deadline

_INTERRUPTED_WITHIN = 10.0


class HungUpError(BaseException):
    """The terminal has hung up. Not an Exception: Mininet's command line would print it and continue."""


def _hang_up(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise HungUpError


class Console:
    """Mininet's command line: runs it, and records while it is open."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self.is_open = False

    def run(self, files: list[str]) -> None:
        """Run the command line until the user leaves it, or until its terminal hangs up.

        `files` are the paths of its standard input, output and error output.
        """
        self.is_open = True
        CLI.readlineInited = True  # otherwise it reads and writes ~/.mininet_history
        try:
            with _on(files), suppress(HungUpError, EOFError, OSError):
                setLogLevel("info")
                CLI(self._network, stdin=sys.stdin)
        finally:
            setLogLevel("warning")
            self._interrupt()
            self.is_open = False

    def _interrupt(self) -> None:
        """End the commands that still run in nodes' shells: otherwise the next ones wait for them."""
        with suppress(DeadlineError), deadline(_INTERRUPTED_WITHIN):
            for node in self._network.values():
                while node.waiting:
                    node.sendInt()
                    node.waitOutput()


@contextmanager
def _on(files: list[str]) -> Iterator[None]:
    """Use `files` as standard input and outputs, and as the source of Ctrl-C."""
    saved = [os.dup(number) for number in range(3)]
    opened = [
        os.open(path, (os.O_WRONLY if at else os.O_RDONLY) | os.O_NOCTTY) for at, path in enumerate(files)
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    stdin = sys.stdin
    before = [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGHUP)]
    try:
        for number, descriptor in enumerate(opened):
            os.dup2(descriptor, number)
        sys.stdin = os.fdopen(0, closefd=False)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, _hang_up)
        with suppress(OSError):  # not a terminal
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        yield
    finally:
        for kind, handler in zip((signal.SIGINT, signal.SIGHUP), before):  # noqa: B905
            signal.signal(kind, handler)
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        with suppress(OSError):
            fcntl.ioctl(0, termios.TIOCNOTTY)
        sys.stdin = stdin
        for number, old in enumerate(saved):
            os.dup2(old, number)
            os.close(old)
        for descriptor in opened:
            os.close(descriptor)
