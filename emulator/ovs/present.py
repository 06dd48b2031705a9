"""What the bridges are set to, as the database has it: after a crash nobody else remembers."""

from __future__ import annotations

from typing import Any

from emulator.ovs.bridges import Bridge
from emulator.ovs.database import Database, members

_BRIDGE = ("name", "datapath_type", "fail_mode", "protocols", "other_config", "controller", "ports")


def present(database: Database) -> dict[str, Bridge]:
    """Return the bridges by name; each bridge's own port is none of its ports."""
    numbers = {
        row["_uuid"][1]: next(iter(members(row["ofport_request"])), 0)
        for row in database.select("Interface", ["_uuid", "ofport_request"])
    }
    ports = {
        row["_uuid"][1]: (row["name"], sum(numbers[uuid] for _, uuid in members(row["interfaces"])))
        for row in database.select("Port", ["_uuid", "name", "interfaces"])
    }
    targets = {row["_uuid"][1]: row["target"] for row in database.select("Controller", ["_uuid", "target"])}
    return {row["name"]: _bridge(row, ports, targets) for row in database.select("Bridge", _BRIDGE)}


def _bridge(row: dict[str, Any], ports: dict[str, tuple[str, int]], targets: dict[str, str]) -> Bridge:
    config = dict(row["other_config"][1])
    own = row["name"]
    found = (ports[uuid] for _, uuid in members(row["ports"]))
    return Bridge(
        own,
        config.get("datapath-id", ""),
        config.get("hwaddr", ""),
        row["datapath_type"],
        tuple(sorted(members(row["protocols"]))),
        "".join(members(row["fail_mode"])),
        tuple(sorted(targets[uuid] for _, uuid in members(row["controller"]))),
        {name: number for name, number in found if name != own},
    )
