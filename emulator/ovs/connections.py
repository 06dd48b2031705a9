"""Connections of switches to their controllers, as the switch daemon reports them in the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from emulator.network import Progress
from emulator.ovs.database import Database, members
from emulator.ovs.server import OvsServers

_POLL = 0.1
_INTERVAL = "stats-update-interval"


def unconnected(
    servers: OvsServers, bridges: Sequence[str], timeout: float, progress: Progress,
    hopeless: Callable[[Sequence[str]], bool] = lambda _: False,
) -> list[str]:  # fmt: skip
    """Return bridges with controllers but no connection to any of them, after at most `timeout` s.

    Returns at once when all are connected, or when the others are `hopeless`; calls `progress` with their
    number repeatedly. A connection counts only after the daemon was asked to refresh it: the database may
    still show a controller that has ended. Raises BrokenError if a daemon ends meanwhile.
    """
    deadline = time.monotonic() + timeout
    asked = False
    with servers.database() as database:
        while True:
            waiting = _without_controller(database, bridges)
            progress("controllers", len(bridges) - len(waiting), len(bridges))
            if (asked and (not waiting or hopeless(waiting))) or time.monotonic() > deadline:
                return waiting
            servers.require_running()
            refresh(database)
            asked = True
            time.sleep(_POLL)


def refresh(database: Database) -> None:
    """Make the daemon write at once who is connected; by itself it does so every 5 s.

    It does so when this interval changes. It accepts none below 5,000 ms.
    """
    interval = str(5000 + time.monotonic_ns() % 1000)
    mutations = [
        ["other_config", "delete", ["set", [_INTERVAL]]],
        ["other_config", "insert", ["map", [[_INTERVAL, interval]]]],
    ]
    change = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": mutations}
    database.transact([change])


def by_target(database: Database) -> dict[str, dict[str, bool]]:
    """Return the bridges connected to each controller's target (`tcp:127.0.0.1:6653`) now."""
    refresh(database)
    time.sleep(_POLL)
    out: dict[str, dict[str, bool]] = {}
    for bridge, controllers in _by_bridge(database).items():
        for target, connected in controllers:
            out.setdefault(target, {})[bridge] = connected
    return out


def _without_controller(database: Database, bridges: Sequence[str]) -> list[str]:
    """Return those of `bridges` that have controllers but no connection, in the order given."""
    found = _by_bridge(database)
    return [
        name for name in bridges if found.get(name) and not any(connected for _, connected in found[name])
    ]


def _by_bridge(database: Database) -> dict[str, list[tuple[str, bool]]]:
    """Return each bridge's controllers: their target, and whether it is connected to it.

    The two queries are two transactions: what another network added between them is left out.
    """
    state = {
        row["_uuid"][1]: (row["target"], row["is_connected"])
        for row in database.select("Controller", ["_uuid", "target", "is_connected"])
    }
    return {
        row["name"]: [state[uuid] for _, uuid in members(row["controller"]) if uuid in state]
        for row in database.select("Bridge", ["name", "controller"])
    }
