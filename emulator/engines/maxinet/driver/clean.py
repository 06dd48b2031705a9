"""Work on MaxiNet without a network of one's own: facts for refusals, and the clean-up after kills."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import Pyro4
from serving.server import Progress, StepError

from .connect import Connection, is_owner
from .fleet import Fleet
from .inventory import Inventory
from .program import imported, version
from .removal import empty, free

Document = dict[str, Any]
_TAKES_OVER, _PAUSE = 15.0, 0.5
"""Seconds in which the manager must have begun to free a dead client's next worker, and between looks."""
_PAYLOAD = 1464
"""Bytes in a ping whose packet is as large as that of a tunnel with the plan's MTU, of 1,450 bytes."""

_FACTS = r"""
has() { command -v "$1" >/dev/null && echo "$1"; }
for p in ip tc brctl ovs-vsctl ovs-ofctl mnexec ethtool ping sysctl; do has $p; done
works() { name=$1; shift; unshare -n sh -c "$*" >/dev/null 2>&1 && echo "$name"; }
works gretap ip link add probe0 type gretap local 127.0.0.1 remote 127.0.0.2 key 1
works htb tc qdisc add dev lo root htb
works netem tc qdisc add dev lo root netem delay 1ms
ovs-vsctl -t 3 show >/dev/null 2>&1 && echo openvswitch
true
"""


def look(settings: Document) -> Document:
    """Return facts: for each worker whether it is registered, its user, what works there, and its peers."""
    connection = Connection(settings)
    imported(settings["home"])
    registered = connection.workers()
    fleet = Fleet(connection.password, connection.owner)
    names = [name for name in settings["workers"] if name in registered]
    for name in names:
        fleet.add(name, *connection.addresses(name))
    config = connection.remote("config")
    peers = {name: str(config.get_worker_ip(name, "backend")) for name in names}

    def ask(worker: str) -> Document:
        others = " ".join(address for name, address in peers.items() if name != worker)
        ping = f'ping -c 1 -W 1 -M do -s {_PAYLOAD} "$a" >/dev/null'
        large = f'for a in {others}; do {ping} || echo "lost $a"; done; true'
        try:
            works = fleet.shell(worker, _FACTS).split()
            lost = fleet.shell(worker, large).split("\n") if others else []
        except StepError as error:
            return {"error": str(error)}
        return {"works": works, "lost": [line.partition(" ")[2] for line in lost if line.startswith("lost ")]}

    facts = fleet.each(ask)
    users = {name: registered[name]["assigned"] for name in names}
    workers = {
        name: {"user": user, "own": is_owner(user, connection.owner), **facts[name]}
        for name, user in users.items()
    }
    return {
        "host": connection.host, "pyro": str(Pyro4.__version__), "version": version(settings["home"]),
        "registered": sorted(registered), "workers": workers,
    }  # fmt: skip


def clean(settings: Document, document: Document, progress: Progress) -> list[str]:
    """Remove what a killed driver, client or worker has left on the workers; return what couldn't be."""
    connection = Connection(settings)
    fleet = Fleet(connection.password, connection.owner)
    inventory = Inventory(settings["workers"], fleet)
    inventory.plan(document)
    registered = connection.workers()
    users = {user for found in registered.values() if is_owner(user := found["assigned"], connection.owner)}
    for name in settings["workers"]:
        # one that isn't registered was restarted since, one with another user has other work
        if name in registered and registered[name]["assigned"] in {None, *users}:
            fleet.add(name, *connection.addresses(name))
    _let_manager_free(connection, fleet, progress)
    left = []
    for done, name in enumerate(fleet.workers, 1):
        progress("workers", done, len(fleet.workers))
        held = registered[name]["assigned"] is not None
        if said := empty(fleet, name, inventory.own(name), held=held):
            left.append(said)
            connection.manager.free_worker(name, registered[name]["assigned"], force=True)
            connection.manager.worker_signout(name)  # else its successor couldn't register
    return left + free(connection, settings["workers"], users)


def _let_manager_free(connection: Connection, fleet: Fleet, progress: Progress) -> None:
    """Wait while the manager itself may be removing the network of a dead client, which it does every 5 s.

    Mininet's removal fails for ever if it is done twice at the same time. The manager stops doing it once it
    has met a dead worker; after a while without any change it is done here.
    """
    state, changed = None, time.monotonic()
    while time.monotonic() < changed + _TAKES_OVER:
        found = connection.workers().values()
        taken = sum(is_owner(worker["assigned"], connection.owner) for worker in found)
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
