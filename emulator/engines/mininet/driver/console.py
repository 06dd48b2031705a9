"""Mininet's own command line, on a terminal that the emulator lends it."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mininet.cli import CLI
from mininet.log import setLogLevel


class Console:
    """Whether the command line is open, and how it is run."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self.is_open = False

    def run(self, terminal: str) -> None:
        """Run the command line on the terminal `terminal` until it is left or the terminal hangs up."""
        self.is_open = True
        CLI.readlineInited = True  # it would read and write ~/.mininet_history
        try:
            with _on(terminal):
                setLogLevel("info")
                CLI(self._network)
        except (EOFError, OSError):
            return
        finally:
            setLogLevel("warning")
            self.is_open = False


@contextmanager
def _on(terminal: str) -> Iterator[None]:
    """Have standard input and outputs, and Ctrl-C, be those of `terminal`."""
    saved = [os.dup(number) for number in range(3)]
    descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with suppress(OSError):
            fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(descriptor, number)
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        with suppress(OSError):
            fcntl.ioctl(descriptor, termios.TIOCNOTTY)
        os.close(descriptor)
        for number, old in enumerate(saved):
            os.dup2(old, number)
            os.close(old)
