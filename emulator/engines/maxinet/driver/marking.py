"""Mark what MaxiNet makes on workers, and record its names there before: see `remains`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from serving.server import StepError

from .inventory import Inventory
from .remains import Found, forget_command, listing, read, record_commands


def found_on(inventory: Inventory, worker: str) -> Found:
    """Return what a worker has now."""
    return read(inventory.fleet.shell(worker, listing(inventory.mark, worker)))


def announce(inventory: Inventory, known: Mapping[str, AbstractSet[str]]) -> None:
    """Record the names to be made on each worker; StepError if something has one: Mininet would delete it.

    `known` are names that are the network's own already, by worker.
    """
    fleet = inventory.fleet
    wanted = {worker: inventory.names(worker) - known.get(worker, frozenset()) for worker in fleet.workers}
    for worker, found in fleet.each(lambda name: found_on(inventory, name)).items():
        if taken := sorted(wanted[worker] & found.names):
            raise StepError(
                f"worker {worker} has {', '.join(taken[:5])} already, from somebody else; remove it "
                f"there (`ip link del`, `ovs-vsctl del-br`), or give the switch another name"
            )

    def record(worker: str) -> None:
        for command in record_commands(inventory.mark, worker, wanted[worker]):
            fleet.shell(worker, command)

    fleet.each(record)


def forget(inventory: Inventory) -> None:
    """Remove the records: all that was made has the mark."""
    fleet, mark = inventory.fleet, inventory.mark
    fleet.each(lambda worker: fleet.shell(worker, forget_command(mark, worker)))
