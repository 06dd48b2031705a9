"""Start, find again and stop the controllers of one network.

The process of a controller is a program of Open vSwitch, a command of the user's, or a relay to a
controller that runs elsewhere. All run in the switches' namespaces, and end with all processes there.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from emulator.controllers.endpoints import endpoints, targets
from emulator.controllers.listening import listens
from emulator.controllers.process import Process, note, noted, start
from emulator.controllers.programs import argv_of, environment_of
from emulator.controllers.reach import away
from emulator.controllers.strays import free_port
from emulator.errors import BrokenError, UnableError, UsageError
from emulator.linux.processes.caller import Caller, caller, note_caller
from topologies.errors import printable
from topologies.openflow import Controller

__all__ = ["ControllerProcesses", "endpoints", "targets"]

PATIENCE = 15.0
"""Seconds within which a controller must listen."""

_CALLER = "caller.json"
_TAIL_LINES = 5
"""Lines of a log that an error shows."""


class ControllerProcesses:
    """Processes of a network's controllers; `folder` holds their logs and pid files.

    Create it while the calling thread is in the machine's network namespace: relays connect from there.
    `enter()` enters the switches' namespaces. `protocols` are the OpenFlow versions of the switches,
    `switches` is their number (None: unknown), and `cwd` is the working directory of commands (the folder
    of the topology file).
    """

    def __init__(
        self,
        folder: Path,
        controllers: Mapping[str, Controller],
        enter: Callable[[], AbstractContextManager[None]],
        *,
        protocols: Sequence[str] = ("OpenFlow13",),
        switches: int | None = None,
        cwd: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._folder = folder
        self._controllers = dict(controllers)
        self._enter = enter
        self._protocols = tuple(protocols)
        self._switches = switches
        self._cwd = cwd
        self._patience = patience
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._outside)
        self._log_begins: dict[str, int] = {}
        self.ports = endpoints(controllers)

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start those of `names` (None: all) that don't run; return when each listens.

        Raises UnableError if a program is missing, BrokenError with its last words if one ends or doesn't
        listen in time. Then none of those started here is left.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        started: dict[str, Process] = {}
        chosen = self._chosen(names)
        try:
            for name in chosen:
                if not self._runs(name):
                    started[name] = self._start(name)
            deadline = time.monotonic() + self._patience
            for name, process in started.items():
                self._await(name, process, deadline)
        except BaseException:
            self.stop(started)
            raise
        for name in chosen:
            self._again_file(name).unlink(missing_ok=True)

    def will_start_again(self, names: Iterable[str]) -> None:
        """Note that `names` are stopped to be restarted: if this command is killed, others restart them."""
        for name in names:
            self._again_file(name).touch(mode=0o600)

    def half_restarted(self, name: str) -> bool:
        """Return whether a command was killed after it stopped a controller, before it started it again."""
        return not self._runs(name) and self._again_file(name).exists()

    def ended(self, *, restored: bool = True) -> list[str]:
        """Return a line for each controller that ended by itself, or was killed.

        A controller that was stopped on purpose doesn't count while a command will start it again. Without
        `restored` there is no such command.
        """
        return [
            self._ended_problem(name)
            for name, runs in self.running().items()
            if not runs
            and not self._again_file(name).exists()
            and (not restored or self._pid_file(name).exists())
        ]

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop those of `names` (None: all) and their child processes; no error if they don't run."""
        for name in self._chosen(names):
            process = noted(self._pid_file(name))
            if process is not None:
                try:
                    process.stop()
                except TimeoutError as error:
                    raise BrokenError(f"controller {name}: {error}") from error
                self._pid_file(name).unlink(missing_ok=True)

    def running(self) -> dict[str, bool]:
        """Return for each controller whether its process runs (for a remote one: its relay)."""
        return {name: self._runs(name) for name in self._controllers}

    def problems(self) -> list[str]:
        """Return a line for each controller whose process has ended."""
        return [self._ended_problem(name) for name, runs in self.running().items() if not runs]

    def _ended_problem(self, name: str) -> str:
        relay = "the relay to " * (self._controllers[name].kind == "remote")
        return (
            f"{relay}{self.called(name)} has ended; "
            f"`emulator up FILE` starts it again; its log is {self.log(name)}"
        )

    def away(self) -> dict[str, str]:
        """Return why remote controllers aren't reached, by name; reached ones are left out."""
        remote = [name for name, controller in self._controllers.items() if controller.kind == "remote"]
        return {name: reason for name in remote if (reason := away(self.log(name)))}

    def called(self, name: str) -> str:
        """Return the display name of a controller: `controller c0 (learning)`, `… (remote 10.0.0.5:6653)`."""
        return f"controller {name} ({printable(self._controllers[name].words)})"

    def log(self, name: str) -> Path:
        """Return the file with the output of a controller."""
        return self._folder / f"{name}.log"

    def needing_restart(self, other: ControllerProcesses) -> list[str]:
        """Return the names of learning controllers whose arguments differ in `other`.

        The arguments depend on the protocols and the number of switches: Open vSwitch's controller takes only
        16.
        """
        return [
            name
            for name, controller in self._controllers.items()
            if controller.kind == "learning" and self._argv(name) != other._argv(name)
        ]

    def _argv(self, name: str) -> list[str]:
        return argv_of(
            self._controllers[name], self.ports[name],
            outside=self._outside, protocols=self._protocols, switches=self._switches,
        )  # fmt: skip

    def _start(self, name: str) -> Process:
        controller, port = self._controllers[name], self.ports[name]
        argv = self._argv(name)
        environment = environment_of(controller, port, self._folder)
        user = self._user_of(controller)
        if user is not None:
            environment = user.environment(environment)
        cwd = self._cwd if controller.kind == "command" else None
        inherited = (self._outside,) if controller.kind == "remote" else ()
        self._log_begins[name] = self.log(name).stat().st_size if self.log(name).exists() else 0
        with self._enter():
            free_port(self._folder, port, self._unnoted_file(name), self.called(name))
            try:
                process = start(argv, environment, self.log(name), cwd, inherit=inherited, user=user)
            except OSError as error:
                where = f" in {printable(str(cwd))}" if cwd else ""
                raise UnableError(
                    f"controller {name}: can't run `{printable(argv[0])}`{where}{_as(user)}: {error.strerror}"
                ) from error
        note(process, self._pid_file(name))
        self._unnoted_file(name).unlink()
        return process

    def _await(self, name: str, process: Process, deadline: float) -> None:
        """Wait until a controller listens; BrokenError if it ends first or takes too long."""
        while not (process.running and listens(process.pid, self.ports[name])):
            if process.wait(0.02):
                raise BrokenError(
                    f"{self.called(name)} ended with exit code {process.exit_code} "
                    f"before it listened; it must stay in the foreground{self._log_tail(name)}"
                )
            if time.monotonic() > deadline:
                raise BrokenError(
                    f"{self.called(name)} doesn't listen on "
                    f"127.0.0.1:{self.ports[name]} after {self._patience:g} s; its port is in the variable "
                    f"OPENFLOW_PORT{self._log_tail(name)}"
                )

    def _log_tail(self, name: str) -> str:
        try:
            written = self.log(name).read_bytes()[self._log_begins[name] :]
        except OSError:
            return ""
        lines = written.decode(errors="replace").splitlines()
        last = [printable(line) for line in lines if line.strip()][-_TAIL_LINES:]
        return "; its last words:" + "".join(f"\n  {line}" for line in last) if last else ""

    def _user_of(self, controller: Controller) -> Caller | None:
        """Return the user of a controller, None for the current one: relays need root to change namespace."""
        who = caller(self._folder / _CALLER)
        note_caller(self._folder / _CALLER, who)
        return None if controller.kind == "remote" or controller.user == "root" else who

    def _runs(self, name: str) -> bool:
        process = noted(self._pid_file(name))
        return process is not None and process.running

    def _pid_file(self, name: str) -> Path:
        return self._folder / f"{name}.pid"

    def _unnoted_file(self, name: str) -> Path:
        return self._folder / f"{name}.starting"

    def _again_file(self, name: str) -> Path:
        return self._folder / f"{name}.again"

    def _chosen(self, names: Iterable[str] | None) -> list[str]:
        chosen = list(self._controllers if names is None else names)
        for name in chosen:
            if name not in self._controllers:
                known = ", ".join(self._controllers) or "it has none"
                raise UsageError(f"there is no controller `{printable(name)}`; there are: {known}")
        return chosen


def _as(user: Caller | None) -> str:
    """Return the words for the user that a program runs as."""
    if user is None:
        return ""
    return f" as {printable(user.name)}, who called sudo (`user: root` in the file would run it as root)"
