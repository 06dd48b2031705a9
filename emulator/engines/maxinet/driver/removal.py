"""Remove a network from its workers and free them; one failure doesn't keep the rest from being done."""

from __future__ import annotations

import atexit
import time
from contextlib import suppress
from typing import Any

from serving.server import StepError

from .claim import settle
from .connect import Connection
from .fleet import Fleet, LostWorkerError
from .inventory import Inventory
from .marking import found_on
from .remains import forget_command, owned, removal

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


def emptied(inventory: Inventory, worker: str) -> StepError | None:
    """Remove the network's part from a worker that is reserved for it; return why that failed."""
    fleet = inventory.fleet
    broken = None
    try:
        fleet.end_commands(worker)  # their namespace outlives its node for as long as one runs
        _wait_until_idle(fleet, worker)
        try:
            destroy(fleet, worker)
        except LostWorkerError as error:
            broken = error
        _end_shells(fleet, worker)
        _remove(inventory, worker)
    except StepError as error:
        return broken or error
    return broken


def destroy(fleet: Fleet, worker: str) -> None:
    """Let the worker's Mininet remove its network, if it has one.

    LostWorkerError if it can't do so ever again.
    """
    try:
        with fleet.proxy(worker, "mininet", _STOP_SECONDS) as mininet:
            mininet.destroy_mininet()
    except StepError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever Mininet raises there: it keeps the network half removed
        said = f"{type(error).__name__}: {error}"
        raise LostWorkerError(
            f"MaxiNet on worker {worker} can't remove an earlier network ({said}), and would fail on each "
            f"new one: restart MaxiNetWorker there (`systemctl restart maxinet-worker`)"
        ) from None


def _wait_until_idle(fleet: Fleet, worker: str) -> None:
    """Wait while the worker carries out calls of clients that have ended, such as to create a network."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        with fleet.proxy(worker, "server") as server:
            if not int(server.check_output(_ABANDONED).split()[-1]):
                return
        time.sleep(_PAUSE)


def _end_shells(fleet: Fleet, worker: str) -> None:
    left = 0
    for _ in range(_ROUNDS):
        with fleet.proxy(worker, "server", _STOP_SECONDS) as server:
            left = int(server.check_output(_END_SHELLS).split()[-1])
        if not left:
            return
    raise StepError(f"worker {worker} still has {left} shells of nodes: end them there (`pkill -f mininet:`)")


def _remove(inventory: Inventory, worker: str) -> None:
    """Remove what has the network's mark, or what its record names; StepError if some of it stays."""
    fleet, mark = inventory.fleet, inventory.mark
    found = found_on(inventory, worker)
    if found.switches is None and inventory.uses_ovs(worker):
        raise StepError(
            f"no Open vSwitch answers on worker {worker}, which may have switches of this network: "
            f"`systemctl start openvswitch-switch` there"
        )
    if found.record:  # a tunnel has MaxiNet's own name until it is marked
        with fleet.proxy(worker, "server", _STOP_SECONDS) as server:
            server.script_check_output("delete_tunnels.sh")
    if commands := removal(found, mark):
        for at in range(0, len(commands), _COMMANDS):
            fleet.shell(worker, "\n".join((*commands[at : at + _COMMANDS], "true")), _STOP_SECONDS)
        if left := owned(found_on(inventory, worker), mark):
            raise StepError(
                f"worker {worker} still has {', '.join(left[:5])} of this network: remove it there "
                f"(`ip link del`, `ovs-vsctl del-br`)"
            )
    fleet.shell(worker, forget_command(mark, worker))


def free_all(connection: Connection, cluster: Any, inventory: Inventory) -> list[str]:
    """Remove everything of a cluster and free the workers that are empty then; return what failed."""
    outcomes = inventory.fleet.each(lambda worker: emptied(inventory, worker))
    left = [str(failed) for failed in outcomes.values() if failed]
    try:
        settle(connection, cluster.ident, outcomes)
    except StepError as error:
        left.append(str(error))
    atexit.unregister(cluster._stop)  # noqa: SLF001 -- MaxiNet's own way, which waits for lost workers for ever
    with suppress(Exception):
        cluster._pyrodaemon.shutdown()  # noqa: SLF001 -- as above
    return left
