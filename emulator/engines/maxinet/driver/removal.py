"""Remove a network from its workers and free them; one failure doesn't keep the rest from being done."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any

from serving.server import StepError

from .connect import Connection
from .fleet import Fleet
from .inventory import Inventory
from .remains import LISTING, Own, bridges, read, removal

_STOP_SECONDS = 500.0
"""Limit for a worker to remove its part: MaxiNet's own removal takes some 40 ms a node."""
_COMMANDS = 1_000
_ROUNDS = 40
_PAUSE = 0.5
_ABANDONED = 'ss -Htnp state close-wait | grep -c "pid=$PPID,"; true'
"""Counts the connections of the worker's process that the client has closed, and the worker hasn't yet."""
_SHELLS = "-P $PPID -f '^bash .*mininet:'"
_END_SHELLS = f"pkill -KILL {_SHELLS}; sleep 0.3; pgrep -c {_SHELLS}; true"
"""Ends the shells of nodes that the worker's process still has, and counts those that it has made since.

Mininet ends none when its start has failed, and that of its controller never.
"""


def empty(fleet: Fleet, worker: str, mine: Own, *, held: bool) -> str:
    """Remove the network's part from a worker that no other network uses; return what failed.

    While the worker was `held` for the network, nothing else could make bridges of its names there. Else
    only those are removed that hold the network's ports before these vanish with their hosts.
    """
    try:
        known = frozenset(mine.switches) if held else bridges(read(fleet.shell(worker, LISTING)), mine)
        fleet.end_commands(worker)  # their namespace outlives its node for as long as one runs
        _wait_until_idle(fleet, worker)
        failed = destroy(fleet, worker)
        for _ in range(_ROUNDS):
            with fleet.proxy(worker, "server", _STOP_SECONDS) as server:
                left = int(server.check_output(_END_SHELLS).split()[-1])
            if not left:
                break
        with fleet.proxy(worker, "server", _STOP_SECONDS) as server:
            server.script_check_output("delete_tunnels.sh")
        remove(fleet, worker, mine, known)
    except StepError as error:
        return str(error)
    return failed


def destroy(fleet: Fleet, worker: str) -> str:
    """Let the worker's Mininet remove its network, if it has one; return why it can't do so ever again."""
    try:
        with fleet.proxy(worker, "mininet", _STOP_SECONDS) as mininet:
            mininet.destroy_mininet()
    except StepError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever Mininet raises there: it keeps the network half removed
        said = f"{type(error).__name__}: {error}"
        return (
            f"MaxiNet on worker {worker} can't remove an earlier network ({said}), and would fail on each "
            f"new one: restart MaxiNetWorker there (`systemctl restart maxinet-worker`)"
        )
    return ""


def _wait_until_idle(fleet: Fleet, worker: str) -> None:
    """Wait while the worker carries out calls of clients that have ended, such as to create a network."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        with fleet.proxy(worker, "server") as server:
            if not int(server.check_output(_ABANDONED).split()[-1]):
                return
        time.sleep(_PAUSE)


def remove(fleet: Fleet, worker: str, mine: Own, known: AbstractSet[str] = frozenset()) -> None:
    """Remove what an earlier network with the same file has left on a worker; `known` as for `removal`."""
    if commands := removal(read(fleet.shell(worker, LISTING)), mine, known):
        for at in range(0, len(commands), _COMMANDS):
            fleet.shell(worker, "\n".join((*commands[at : at + _COMMANDS], "true")), _STOP_SECONDS)


def free(connection: Connection, workers: Iterable[str], users: Iterable[str]) -> list[str]:
    """Have the manager free those of `workers` that are reserved for one of `users`, and forget the users."""
    users = set(users)
    try:
        registered = connection.workers()
        for worker in workers:
            # only names that it lists: an unknown one would stop the manager for everybody
            if worker in registered and registered[worker]["assigned"] in users:
                connection.manager.free_worker(worker, registered[worker]["assigned"], force=True)
        for user in users:
            connection.manager.unregister_ident(user)
            with suppress(Exception):  # the name server may not know it any more
                connection.names.remove(user)
    except StepError as error:
        return [str(error)]
    return []


def free_all(
    connection: Connection, cluster: Any, fleet: Fleet, inventory: Inventory, *, created: bool
) -> list[str]:
    """Remove everything of a cluster and free its workers; return what failed.

    `created` tells that the network's names were free on the workers when it was created there.
    """
    found = fleet.each(lambda worker: empty(fleet, worker, inventory.own(worker), held=created))
    left = [said for said in found.values() if said]
    left += free(connection, fleet.workers, [cluster.ident])
    atexit.unregister(cluster._stop)  # noqa: SLF001 -- MaxiNet's own way, which waits for lost workers for ever
    with suppress(Exception):
        cluster._pyrodaemon.shutdown()  # noqa: SLF001 -- as above
    return left
