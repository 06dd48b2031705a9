"""Remove what a killed driver, client or worker has left on the workers.

A worker counts as freed once it was reached, reserved, and found empty. Every other one is named, each time.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from serving.server import Progress, StepError

from .claim import Claim, forget_user
from .connect import Connection
from .fleet import Fleet, LostWorkerError
from .inventory import Inventory
from .marking import found_on
from .remains import owned
from .removal import emptied

Document = dict[str, Any]
_TAKES_OVER, _PAUSE = 15.0, 0.5
"""Seconds in which the manager must have begun to free a dead client's next worker, and between looks."""


def clean(settings: Document, document: Document, progress: Progress) -> list[str]:
    """Empty and free the workers of `settings`; return what couldn't be, with the fix.

    `document` is that of the network, without nodes if none were made.
    """
    connection = Connection(settings)
    fleet = Fleet(connection.password, connection.owner)
    inventory = Inventory(settings["workers"], fleet, connection.mark)
    inventory.plan(document)
    registered = connection.workers()
    for name in settings["workers"]:
        if name in registered:
            with suppress(LostWorkerError):
                fleet.add(name, *connection.addresses(name))
    users = {user for found in registered.values() if connection.is_own(user := found["assigned"])}
    _let_manager_free(connection, fleet, progress)
    claim = Claim(connection)
    outcomes: dict[str, StepError | None] = {}
    try:
        for done, name in enumerate(settings["workers"], 1):
            progress("workers", done, len(settings["workers"]))
            outcomes[name] = StepError(f"worker {name}: the clean-up was interrupted")
            outcomes[name] = _freed(connection, claim, inventory, name)
    finally:
        claim.release(outcomes)
    for user in users:
        forget_user(connection, user)
    return [str(failed) for failed in outcomes.values() if failed]


def _freed(connection: Connection, claim: Claim, inventory: Inventory, worker: str) -> StepError | None:
    """Reserve a worker and empty it; return why that failed."""
    if worker not in connection.workers():
        return _unregistered(connection, worker) if inventory.uses(worker) else None
    if not claim.reserve(worker):
        return _in_use(connection, inventory, worker)
    if worker not in inventory.fleet.workers:
        try:
            inventory.fleet.add(worker, *connection.addresses(worker))
        except LostWorkerError as error:
            return error
    return emptied(inventory, worker)


def _unregistered(connection: Connection, worker: str) -> StepError:
    return StepError(
        f"worker {worker} isn't registered at {connection.host} any more, and may still have parts of this "
        f"network: start MaxiNetWorker there again (`systemctl restart maxinet-worker`)"
    )


def _in_use(connection: Connection, inventory: Inventory, worker: str) -> StepError | None:
    """Return what keeps a worker that somebody else uses; nothing does if it has nothing of the network."""
    user = connection.workers().get(worker, {}).get("assigned")
    try:
        if worker not in inventory.fleet.workers:
            inventory.fleet.add(worker, *connection.addresses(worker))
        left = owned(found_on(inventory, worker), inventory.mark)
    except StepError as error:
        return error
    if not left:
        return None
    return StepError(
        f"worker {worker} is in use by {user} and still has {', '.join(left[:5])} of this network: wait "
        f"until it is free, or end that one"
    )


def _let_manager_free(connection: Connection, fleet: Fleet, progress: Progress) -> None:
    """Wait while the manager itself may be removing the network of a dead client, which it does every 5 s.

    Mininet's removal fails for ever if it is done twice at the same time. The manager stops doing it once it
    has met a dead worker; after a while without any change it is done here.
    """
    state, changed = None, time.monotonic()
    while time.monotonic() < changed + _TAKES_OVER:
        found = connection.workers().values()
        taken = sum(connection.is_own(worker["assigned"]) for worker in found)
        if not taken:
            return
        if (now := (taken, _shells(fleet))) != state:
            state, changed = now, time.monotonic()
            progress("workers", 0, taken)
        time.sleep(_PAUSE)


def _shells(fleet: Fleet) -> int:
    """Return the number of nodes' shells on the workers that can be reached."""

    def count(worker: str) -> int:
        with suppress(StepError):
            return int(fleet.shell(worker, "pgrep -fc '^bash .*mininet:'; true"))
        return 0

    return sum(fleet.each(count).values())
