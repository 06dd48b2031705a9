"""Signs by which a service is ready: it listens, prints, answers a command, or says so itself."""

from __future__ import annotations

import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from emulator.controllers.listening import accepts

_PAUSE = 0.2
"""Seconds between two runs of a command that asks whether a service is ready, and that it must have run."""


class Sign(ABC):
    """A sign of one start of a service; `close` it when it has come, or the service has ended."""

    @abstractmethod
    def come(self, now: float) -> bool:
        """Return whether the service is ready; `now` in seconds of a monotonic clock."""

    def close(self) -> None:  # noqa: B027 -- most need nothing
        """Release what the sign needs."""


class Stays(Sign):
    """The service has run for a moment since `began`: wrong arguments end most programs at once."""

    def __init__(self, began: float) -> None:
        self._began = began

    def come(self, now: float) -> bool:
        """Return whether the moment is over."""
        return now - self._began >= _PAUSE


class Listens(Sign):
    """The process `pid`'s namespace has a listening TCP socket at `port`, on `address` if there is one."""

    def __init__(self, pid: int, port: int, address: str) -> None:
        self._pid, self._port, self._address = pid, port, address

    def come(self, now: float) -> bool:
        """Return whether something listens."""
        del now
        return accepts(self._pid, self._port, self._address)


class Prints(Sign):
    """The log has `text` in a line after its first `begin` bytes."""

    def __init__(self, log: Path, begin: int, text: str) -> None:
        self._log, self._at, self._text = log, begin, text.encode()
        self._rest = b""

    def come(self, now: float) -> bool:
        """Return whether the text was printed."""
        del now
        with suppress(OSError), self._log.open("rb") as file:
            file.seek(self._at)
            new = file.read()
            self._at += len(new)
            seen = self._rest + new
            self._rest = seen[seen.rfind(b"\n") + 1 :]
            return any(self._text in line for line in seen.split(b"\n"))
        return False


class Answers(Sign):
    """A command ends with exit code 0; `start()` starts it."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self._running: subprocess.Popen[bytes] | None = None
        self._next = 0.0

    def come(self, now: float) -> bool:
        """Return whether a run of the command succeeded; start the next one if it is time."""
        if self._running is None:
            if now >= self._next:
                self._running = self._start()
            return False
        code = self._running.poll()
        if code is None:
            return False
        self._running, self._next = None, now + _PAUSE
        return code == 0

    def close(self) -> None:
        """End the command."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


class Notifies(Sign):
    """The service sends READY=1 to `listener` (sd_notify(3))."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def come(self, now: float) -> bool:
        """Return whether the message has come."""
        del now
        with suppress(BlockingIOError):
            while True:
                if b"READY=1" in self._listener.recv(4096).split(b"\n"):
                    return True
        return False

    def close(self) -> None:
        """Close the socket."""
        self._listener.close()
