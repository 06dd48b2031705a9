"""Start a driver under the Python of the driven program, in a session of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.errors import UnableError
from emulator.linux.processes.running import stat
from emulator.linux.processes.unix_sockets import bound

_BOOT = Path(__file__).with_name("boot.py")
_WAITING = 64
"""Backlog of connections to the driver."""

_children: set[int] = set()
"""Drivers that this process started and hasn't waited for."""


@dataclass(frozen=True)
class Recipe:
    """Recipe to start a driver: its Python, its folder, and additions to our environment.

    The folder is a package with a module `main`. Its `main(descriptor)` ends in `serving.server.serve`.
    """

    python: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DriverPaths:
    """Paths of a network's driver."""

    folder: Path

    @property
    def socket(self) -> Path:
        """Socket of the driver."""
        return self.folder / "driver.sock"

    @property
    def log(self) -> Path:
        """Output of the driver and of the driven program."""
        return self.folder / "driver.log"


@dataclass(frozen=True)
class DriverProcess:
    """A driver: process id and start time (clock ticks since boot), which together are unique."""

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return began(self.pid) == self.began


def began(pid: int) -> int:
    """Return the start time of process `pid`, in clock ticks since boot; -1 when there is none."""
    found = stat(pid)
    return -1 if found is None or found.ended else found.start


Start = Callable[[], "subprocess.Popen[bytes]"]


def here(run: Start) -> subprocess.Popen[bytes]:
    """Start the driver in this process's namespaces."""
    return run()


def start(
    recipe: Recipe, paths: DriverPaths, enter: Callable[[Start], subprocess.Popen[bytes]] = here
) -> DriverProcess:
    """Start the driver; return at once. UnableError when it can't be started.

    `enter(run)` calls `run()` in the driver's place, for example in a namespace, and returns its result.
    The socket is bound here, so that requests can be sent before the driver is ready.
    """
    _reap()
    paths.folder.mkdir(mode=0o700, exist_ok=True)
    listener = bound(paths.socket)
    listener.listen(_WAITING)
    log = paths.log.open("ab")

    def run() -> subprocess.Popen[bytes]:
        words = [recipe.python, "-I", str(_BOOT), str(listener.fileno()), str(recipe.folder)]
        return subprocess.Popen(  # noqa: S603 -- our own words, no shell
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            pass_fds=(listener.fileno(),), env={**os.environ, **recipe.environment},
        )  # fmt: skip

    with listener, log:
        try:
            process = enter(run)
        except OSError as error:
            raise UnableError(f"can't run {recipe.python}: {error.strerror}") from error
    process.returncode = 0  # it outlives us: no ResourceWarning that it still runs
    _children.add(process.pid)
    return DriverProcess(process.pid, began(process.pid))


def _reap() -> None:
    """Wait for drivers that have ended, so that a process that starts many networks keeps no zombies."""
    for pid in list(_children):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            ended = True
        if ended:
            _children.discard(pid)
