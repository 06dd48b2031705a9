"""Reserve workers for a clean-up, and free them after it, as MaxiNet's clusters do.

Whoever empties a worker has it reserved: neither a new network nor another clean-up can meet there.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import Pyro4
from serving.server import StepError

from .connect import Connection
from .fleet import LostWorkerError

_ENDS_WITHIN = 5.0

Outcomes = Mapping[str, "StepError | None"]
"""Worker -> why it could not be emptied; None if it is empty."""


class _Alive:
    """Answers the manager, which frees the workers of users that don't."""

    @Pyro4.expose  # type: ignore[untyped-decorator]
    def get_status_is_alive(self) -> bool:
        """Return that the clean-up runs."""
        return True


class Claim:
    """A user of workers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ident = f"{socket.gethostname()}:{sys.argv[0]}"
        # the manager would keep its lock for ever if a user that it doesn't know reserved a worker
        if not connection.ask("register_ident", self.ident):
            raise StepError(f"MaxiNet's manager knows {self.ident} already; try again")
        self._daemon: Any = Pyro4.Daemon(host=_own_address(connection))
        self._daemon._pyroHmacKey = connection.password  # noqa: SLF001 -- Pyro's way
        connection.names.register(self.ident, self._daemon.register(_Alive()))
        self._loop = threading.Thread(target=self._daemon.requestLoop, daemon=True)
        self._loop.start()

    def reserve(self, worker: str) -> bool:
        """Reserve a worker that is registered; False if somebody has it."""
        user = self._connection.workers()[worker]["assigned"]
        if self._connection.is_own(user):  # of a driver that has ended, and the manager doesn't free it
            self._connection.ask("free_worker", worker, user)
        return bool(self._connection.ask("reserve_worker", worker, self.ident))

    def release(self, outcomes: Outcomes) -> None:
        """End the reservations, as `settle` does."""
        settle(self._connection, self.ident, outcomes)
        self._daemon.shutdown()
        self._loop.join(_ENDS_WITHIN)
        self._daemon.close()


def settle(connection: Connection, ident: str, outcomes: Outcomes) -> None:
    """Free those workers of the user `ident` that are empty; sign out those that are lost.

    A worker that is started again could not register while its lost predecessor is. One that answers and
    still has something stays reserved for us, until MaxiNet's manager notices that we have ended.
    """
    for worker, found in connection.workers().items():
        if found["assigned"] != ident:
            continue
        failed = outcomes.get(worker)
        if failed is None or isinstance(failed, LostWorkerError):
            connection.ask("free_worker", worker, ident)
        if isinstance(failed, LostWorkerError):
            connection.ask("worker_signout", worker)
    forget_user(connection, ident)


def forget_user(connection: Connection, ident: str) -> None:
    """Have the manager and the name server forget a user of workers."""
    connection.ask("unregister_ident", ident)
    with suppress(Exception):  # the name server may not know it any more
        connection.names.remove(ident)


def _own_address(connection: Connection) -> str:
    """Return this machine's address towards the front end; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((connection.host, connection.port))
        return str(probe.getsockname()[0])
