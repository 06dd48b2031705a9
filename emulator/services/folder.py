"""Folder of a network's services: what the supervisor says of them, what it is asked for, and logs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emulator.atomic_write import write_atomically
from emulator.controllers.process import Process
from topologies.errors import printable

_TAIL_LINES = 5
WAITING, STARTING, READY, DONE = "waiting", "starting", "ready", "done"
RESTARTING, ENDED, FAILED = "restarting", "ended", "failed"
GOOD = frozenset({READY, DONE})
"""States of a service that is as the file wants it."""


@dataclass(frozen=True)
class Status:
    """What the supervisor says of a service. `namespace` is the inode of the node's when it was started.

    `reason` says why it isn't ready; `restarts` counts its starts after the first. `late`: the time in which
    it had to become ready ran out.
    """

    node: str
    name: str
    digest: str
    state: str = WAITING
    process: Process | None = None
    namespace: int = 0
    reason: str = ""
    restarts: int = 0
    late: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Names of the node and of the service."""
        return self.node, self.name

    @property
    def words(self) -> str:
        """The state with its reason: `failed: exit code 1`."""
        return f"{self.state}: {self.reason}" if self.reason else self.state


class ServiceFolder:
    """The folder `services` in a network's own."""

    def __init__(self, network: Path) -> None:
        self.path = network / "services"

    @property
    def note(self) -> Path:
        """Path of the supervisor's process id."""
        return self.path / "supervisor.pid"

    @property
    def own_log(self) -> Path:
        """Path of the supervisor's own log."""
        return self.path / "supervisor.log"

    @property
    def caller(self) -> Path:
        """Path of the user that services run as."""
        return self.path / "caller.json"

    def log(self, node: str, service: str) -> Path:
        """Return the path of a service's log."""
        return self.path / node / f"{service}.log"

    def request(self) -> int:
        """Ask the supervisor to read the plan again; return the number of the request."""
        number = self.requested() + 1
        write_atomically(self.path / "request.json", json.dumps(number))
        return number

    def requested(self) -> int:
        """Return the number of the latest request, 0 before the first."""
        try:
            return int(json.loads((self.path / "request.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return 0

    def write(self, request: int, services: Iterable[Status]) -> None:
        """Write what the supervisor says; `request` is the latest that it has carried out."""
        data = {"request": request, "services": [asdict(service) for service in services]}
        write_atomically(self.path / "status.json", json.dumps(data))

    def read(self) -> tuple[int, list[Status]]:
        """Return the latest request that was carried out, and the services; 0 and none without a file."""
        try:
            data = json.loads((self.path / "status.json").read_bytes())
            return int(data["request"]), [_status(one) for one in data["services"]]
        except (OSError, ValueError, KeyError, TypeError):
            return 0, []

    @staticmethod
    def tail(log: Path) -> str:
        """Return the last lines of a log for an error; empty if there are none."""
        lines: list[str] = []
        with suppress(OSError), log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4096))
            lines = file.read().decode(errors="replace").splitlines()
        last = [printable(line) for line in lines if line.strip()][-_TAIL_LINES:]
        return "; its last words:" + "".join(f"\n  {line}" for line in last) if last else ""


def _status(data: dict[str, Any]) -> Status:
    process = data.pop("process")
    return Status(**data, process=Process(**process) if process else None)
