"""One service under its supervisor: start, wait until it is ready, notice its end, start it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from emulator.controllers.process import Process
from emulator.errors import EmulationError
from emulator.linux.processes.running import stat
from emulator.services import readiness
from emulator.services.folder import (
    DONE,
    ENDED,
    FAILED,
    GOOD,
    READY,
    RESTARTING,
    STARTING,
    WAITING,
    ServiceFolder,
    Status,
)
from emulator.services.wanted import Wanted

_FIRST_PAUSE, _LONGEST_PAUSE, _LASTING = 0.2, 10.0, 10.0
"""Seconds before the first restart and at most (it doubles), and of a run after which it is short again."""
_LARGEST_LOG = 64 << 20
"""Logs are in memory (/run): one that grows beyond this many bytes begins again."""


class Starter(Protocol):
    """Starts programs in nodes."""

    def start(
        self, wanted: Wanted, argv: Sequence[str], log: Path | None, notify: str
    ) -> subprocess.Popen[bytes]:
        """Start a program as the service's user, in a session of its own; without a log it prints nowhere.

        `notify` is the address for sd_notify, empty for none. Raises EmulationError.
        """
        ...

    def listener(self, wanted: Wanted, address: str) -> socket.socket:
        """Return a datagram socket in the node with this address in its abstract namespace."""
        ...

    def address(self, wanted: Wanted) -> str:
        """Return the address that the service's sockets have; empty when any will do."""
        ...

    def namespaces(self, services: Sequence[Wanted]) -> list[int]:
        """Return the inode of each one's network namespace; 0 if it is gone."""
        ...


class ServiceRun:
    """One service of a node. `step` leads it on; `status` is what it has come to."""

    def __init__(self, wanted: Wanted, folder: ServiceFolder, starter: Starter) -> None:
        self.wanted, self._folder, self._starter = wanted, folder, starter
        self.status = Status(wanted.node_name, wanted.service.name, wanted.digest)
        self._child: subprocess.Popen[bytes] | None = None
        self._sign: readiness.Sign | None = None
        self._at = self._deadline = self._began = 0.0
        self._next_pause = _FIRST_PAUSE
        self.pause = 0.0
        """Seconds between the last end and the restart."""

    @property
    def passed(self) -> bool:
        """True if the next service of the node may start."""
        return self.status.state in GOOD

    @property
    def busy(self) -> bool:
        """True if something will happen soon."""
        return self.status.state in {WAITING, STARTING, RESTARTING}

    def adopt(self, status: Status) -> None:
        """Go on where a supervisor that has ended left the service."""
        running = status.process is not None and status.process.running
        if status.state == READY and not running:
            self._set(RESTARTING, reason="it ended while nothing watched it", status=status)
        elif status.state in {READY, DONE, ENDED, FAILED}:
            self.status = status
        elif running and status.process is not None:
            status.process.stop()

    def step(self, now: float, *, may_start: bool) -> None:
        """Do what is due at `now` (seconds of a monotonic clock)."""
        state = self.status.state
        if (state == WAITING and may_start) or (state == RESTARTING and now >= self._at):
            self._launch(now)
        elif state in {STARTING, READY}:
            code = self._exit_code()
            if code is not None:
                self._end(code, now)
            elif state == STARTING and self._sign is not None:
                self._look(now)

    def _launch(self, now: float) -> None:
        service, log = self.wanted.service, self._folder.log(*self.wanted.key)
        notify = f"emulator-{self.wanted.digest}-{os.getpid()}" if service.ready.notify else ""
        namespace = 0
        try:
            (namespace,) = self._starter.namespaces([self.wanted])
            if not namespace:
                self._at = now + _FIRST_PAUSE  # its node is away: that is no failure of the service
                return
            log.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            begin = log.stat().st_size if log.exists() else 0
            listener = self._starter.listener(self.wanted, notify) if notify else None
            child = self._starter.start(self.wanted, service.command, log, notify)
        except (EmulationError, OSError) as error:
            if namespace and self._starter.namespaces([self.wanted]) != [namespace]:
                self._at = now + _FIRST_PAUSE
            else:
                self._failed_to_end(str(error), now)
            return
        found = stat(child.pid)
        self._child, self._began = child, now
        process = Process(child.pid, found.start if found else 0, namespace)
        self._sign = self._sign_of(child.pid, log, begin, listener)
        self._deadline = now + service.ready.within
        self._set(STARTING, process=process, namespace=namespace)

    def _sign_of(
        self, pid: int, log: Path, begin: int, listener: socket.socket | None
    ) -> readiness.Sign | None:
        service = self.wanted.service
        if service.once:
            return None
        if service.ready.port is not None:
            return readiness.Listens(pid, service.ready.port, self._starter.address(self.wanted))
        if service.ready.output is not None:
            return readiness.Prints(log, begin, service.ready.output)
        if service.ready.command:
            words = service.ready.command
            return readiness.Answers(lambda: self._starter.start(self.wanted, words, None, ""))
        return readiness.Notifies(listener) if listener else readiness.Stays(self._began)

    def _look(self, now: float) -> None:
        try:
            assert self._sign is not None  # noqa: S101 -- the caller has looked
            if self._sign.come(now):
                self._close_sign()
                self._set(READY)
                return
        except EmulationError as error:
            self._stop()
            self._failed_to_end(f"its `ready` command: {error}", now)
            return
        if now > self._deadline:
            self._stop()
            words = f"it wasn't ready after {self.wanted.service.ready.within:g} s"
            self._failed_to_end(words, now, late=True)

    def _exit_code(self) -> int | None:
        """Return the exit code of an ended process; -1 for one of an earlier supervisor."""
        if self._child is not None:
            return self._child.poll()
        process = self.status.process
        return None if process is not None and process.running else -1

    def _end(self, code: int, now: float) -> None:
        adopted = self._child is None
        self._close_sign()
        self._child = None
        if self.wanted.service.once and code == 0:
            self._set(DONE)
            return
        by_signal = -code if code < 0 and not adopted else 0
        words = f"signal {_signal_name(by_signal)}" if by_signal else f"exit code {code}"
        if self.status.state == READY and now - self._began > _LASTING:
            self._next_pause = _FIRST_PAUSE
        self._failed_to_end("it ended" if adopted else words, now, succeeded=code == 0)

    def _failed_to_end(self, reason: str, now: float, *, succeeded: bool = False, late: bool = False) -> None:
        """Restart the service if the file wants that; `reason` is why it isn't running."""
        service = self.wanted.service
        again = service.restart == "always" or (service.restart == "on-failure" and not succeeded)
        if again and not service.once:
            self.pause, self._next_pause = self._next_pause, min(2 * self._next_pause, _LONGEST_PAUSE)
            self._at = now + self.pause
            self._set(RESTARTING, reason=reason, more=1, late=late)
        else:
            self._set(ENDED if succeeded else FAILED, reason=reason)

    def trim_log(self) -> None:
        """Begin the log again if it has become too large."""
        log = self._folder.log(*self.wanted.key)
        with suppress(OSError):
            if log.stat().st_size > _LARGEST_LOG:
                os.truncate(log, 0)

    def again(self) -> None:
        """Start it from the beginning: its node was made again, or it had failed before an `up`."""
        self.end()
        self._next_pause = _FIRST_PAUSE
        self.status = Status(self.wanted.node_name, self.wanted.service.name, self.wanted.digest)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its first process."""
        with suppress(ProcessLookupError):
            if self.status.process is not None and self.status.process.running:
                os.kill(self.status.process.pid, number)

    def end(self) -> None:
        """End its processes."""
        self._close_sign()
        self._stop()

    def _stop(self) -> None:
        if self.status.process is not None:
            with suppress(TimeoutError):
                self.status.process.stop()
        if self._child is not None:
            self._child.poll()
            self._child = None

    def _close_sign(self) -> None:
        if self._sign is not None:
            self._sign.close()
            self._sign = None

    def _set(
        self, state: str, *, reason: str = "", process: Process | None = None, namespace: int = 0,
        more: int = 0, status: Status | None = None, late: bool = False,
    ) -> None:  # fmt: skip
        old = status or self.status
        self.status = Status(
            old.node, old.name, old.digest, state, process or old.process,
            namespace or old.namespace, reason, old.restarts + more, late,
        )  # fmt: skip


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
