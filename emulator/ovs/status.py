"""State of a network's Open vSwitch for `status`: datapaths, daemons and controllers."""

from __future__ import annotations

from emulator.ovs.bridges import USERSPACE
from emulator.ovs.connections import by_target
from emulator.ovs.switches import Switches
from topologies.counting import counted, some_names
from topologies.openflow_switches import controllers_of


def datapaths(switches: Switches) -> set[str]:
    """Return the datapaths in use: "kernel", "userspace"."""
    with switches.servers.database() as database:
        found = {row["datapath_type"] for row in database.select("Bridge", ["datapath_type"])}
    return {"userspace" if each == USERSPACE else "kernel" for each in found}


def details(switches: Switches) -> dict[str, object]:
    """Return details for `status`: the datapaths, and each controller."""
    if not switches.there:
        return {}
    controllers = controllers_of(switches.topology)
    return {
        "datapath": sorted(datapaths(switches)),
        "controllers": {name: controller.words for name, controller in controllers.items()},
    }


def problems(switches: Switches) -> list[str]:
    """Return a line for each daemon or controller that should run but doesn't."""
    return [*(switches.servers.ended() if switches.there else ()), *switches.controllers.problems()]


def notes(switches: Switches) -> list[str]:
    """Return the controllers that aren't reached, with the number of switches, if all own processes run."""
    found: dict[str, dict[str, bool]] = {}
    if switches.there and switches.controllers.ports:
        with switches.servers.database() as database:
            found = by_target(database)
    reasons = switches.controllers.away()
    out = []
    for name, port in switches.controllers.ports.items():
        connections = found.get(f"tcp:127.0.0.1:{port}", {})
        lost = [bridge for bridge, connected in connections.items() if not connected]
        words = [f"{switches.controllers.called(name)}"]
        if name in reasons and len(lost) == len(connections):
            words.append(f"doesn't answer ({reasons[name]})")
        if lost:
            words.append(f"{not_connected(len(lost), len(connections))} to it: {some_names(sorted(lost))}")
        if len(words) > 1:
            out.append(": ".join(words))
    return out


def not_connected(lost: int, total: int) -> str:
    """Return `1 of 1 switch isn't connected`, `2 of 5 switches aren't connected`."""
    return f"{lost:,} of {counted(total, 'switch')} {'is' if lost == 1 else 'are'}n't connected"
