"""Start and stop the two Open vSwitch daemons of one network: ovsdb-server and ovs-vswitchd.

Their database, sockets, pid files and logs are in a folder of the network. They see only the namespace
in which they were started. The machine's own Open vSwitch is neither queried nor changed. Everything in
the network's namespaces ends with the network.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.errors import BrokenError, UnableError, shortage_in
from emulator.find_program import find_program
from emulator.ovs.database import Database

INSTALL = "apt install openvswitch-switch"
"""The command that installs the programs (Debian, Ubuntu)."""

PROGRAMS = ("ovsdb-server", "ovs-vswitchd", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl")
_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"

SETTINGS = {"n-handler-threads": "1", "n-revalidator-threads": "1", "flow-restore-wait": "false"}
"""Threads cost time to start. A network's switches share one daemon: one thread of each kind is enough."""


def missing_programs() -> list[str]:
    """Return the names of Open vSwitch programs that aren't installed."""
    return [name for name in PROGRAMS if find_program(name) is None]


@contextmanager
def _files_raised() -> Iterator[None]:
    """Raise the limit on open files for processes started meanwhile: a userspace port is a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class OvsServers:
    """Daemons whose files are in `folder`; nothing is started until `start`.

    Methods that talk to them work from any namespace that sees `folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "db.sock"

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment in which the programs of Open vSwitch talk to these daemons."""
        place = str(self.folder)
        return {"OVS_RUNDIR": place, "OVS_DBDIR": place, "OVS_LOGDIR": place, "OVS_SYSCONFDIR": place}

    def start(self, wait: float = 20.0) -> None:
        """Start both daemons; call it inside the namespaces of the future ports.

        Raises UnableError if a program is missing (with the command that installs it), BrokenError if one
        doesn't start within `wait` seconds.
        """
        self.start_database(wait)
        self.start_switch(wait)

    def start_database(self, wait: float = 20.0) -> None:
        """Start ovsdb-server with an empty database."""
        missing = missing_programs()
        if missing:
            raise UnableError(f"{', '.join(missing)} missing: switches of Open vSwitch need it; {INSTALL}")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = self.folder / "conf.db"
        database.unlink(missing_ok=True)
        schema = os.environ.get("EMULATOR_OVS_SCHEMA", _SCHEMA)
        self._run(["ovsdb-tool", "create", str(database), schema], wait)
        self._daemon("ovsdb-server", [str(database), f"--remote=punix:{self.socket}"], wait)
        with self.database() as client:
            row = {"other_config": ["map", [list(pair) for pair in SETTINGS.items()]]}
            client.transact([{"op": "insert", "table": "Open_vSwitch", "row": row}])

    def start_switch(self, wait: float = 20.0) -> None:
        """Start ovs-vswitchd, and wait until it has applied the database."""
        self._daemon("ovs-vswitchd", [f"unix:{self.socket}"], wait)

    def _daemon(self, name: str, arguments: Sequence[str], wait: float) -> None:
        place = self.folder
        own = [f"--pidfile={place / name}.pid", f"--log-file={place / name}.log"]
        own += ["--no-chdir", "--detach", "-vconsole:off", "-vsyslog:off"]
        with _files_raised():
            self._run([name, *arguments, *own], wait)

    def _run(self, words: Sequence[str], timeout: float) -> bytes:
        """Run a program of Open vSwitch and return its output; BrokenError with its error message."""
        path = find_program(words[0])
        if path is None:
            raise UnableError(f"{words[0]} is missing; {INSTALL}")
        try:
            done = subprocess.run(  # noqa: S603 -- our own words, no shell
                [path, *words[1:]], input=b"", capture_output=True,
                timeout=timeout, env={**os.environ, **self.environment}, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BrokenError(
                f"{words[0]} isn't done after {timeout:.0f} s; its log is in {self.folder}"
            ) from None
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            if short := shortage_in(said):
                raise UnableError(f"{words[0]}: {short}")
            raise BrokenError(f"{words[0]} failed: {said or f'exit code {done.returncode}'}")
        return done.stdout

    def popen(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program of Open vSwitch and return at once; its output goes to pipes."""
        path = find_program(words[0])
        if path is None:
            raise UnableError(f"{words[0]} is missing; {INSTALL}")
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603 -- our own words, no shell
            [path, *words[1:]], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            env={**os.environ, **self.environment},
        )  # fmt: skip

    def stop(self) -> None:
        """End both daemons, with or without their pid files; no error if they have ended already."""
        for name in ("ovs-vswitchd", "ovsdb-server"):
            pid = self.pid(name) or self._stray(name)
            if pid is None:
                continue
            with suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    if self._is_ours(name, pid):
                        signal.pidfd_send_signal(handle, signal.SIGTERM)
                        if not select.select([handle], [], [], 5.0)[0]:
                            signal.pidfd_send_signal(handle, signal.SIGKILL)
                            select.select([handle], [], [], 5.0)
                finally:
                    os.close(handle)

    def pid(self, name: str) -> int | None:
        """Return the process id of a daemon ("ovs-vswitchd", "ovsdb-server"), or None if it has ended.

        The number may belong to another process by now. A daemon has this folder's pid file as an argument.
        """
        try:
            pid = int((self.folder / f"{name}.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return pid if self._is_ours(name, pid) else None

    def _is_ours(self, name: str, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"--pidfile={self.folder / name}.pid".encode() in words

    def _stray(self, name: str) -> int | None:
        """Return the process id of a daemon that runs although its pid file was deleted."""
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return next((pid for pid in pids if self._is_ours(name, pid)), None)

    def running(self) -> bool:
        """Return whether both daemons run."""
        return not self.ended()

    def ended(self) -> list[str]:
        """Return a line for each daemon that has ended or is unreachable."""
        out = [
            f"{name} of Open vSwitch has ended; its log is {self.folder / name}.log"
            for name in ("ovsdb-server", "ovs-vswitchd")
            if self.pid(name) is None
        ]
        return out if out or self.socket.exists() else [f"the socket of ovsdb-server is gone: {self.socket}"]

    def require_running(self) -> None:
        """Raise BrokenError unless both daemons run: requests would wait in vain."""
        if ended := self.ended():
            raise BrokenError(f"{'; '.join(ended)}; `emulator up FILE` creates the network again")

    def database(self, timeout: float = 60.0) -> Database:
        """Return a connection to the database: a context manager."""
        return Database(self.socket, timeout)

    def appctl(self, *words: str) -> bytes:
        """Send the switch daemon a command of ovs-appctl(8); return its answer."""
        return self._run(["ovs-appctl", *words], 30.0)
