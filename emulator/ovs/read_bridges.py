"""Read the settings of bridges from the Open vSwitch database, the only source after a crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from emulator.ovs.bridges import ENABLED, KERNEL, Bridge
from emulator.ovs.database import Database, members

_VLAN = ("tag", "trunks", "vlan_mode")
_TABLES = {
    "Interface": ("_uuid", "ofport_request", "ingress_policing_rate"),
    "Port": ("_uuid", "name", "interfaces", *_VLAN),
    "Controller": ("_uuid", "target"),
    "Bridge": (
        "name", "datapath_type", "fail_mode", "protocols", "other_config", "controller", "ports", *ENABLED,
    ),
}  # fmt: skip


def read_bridges(database: Database) -> dict[str, Bridge]:
    """Return the bridges by name; a bridge's own port isn't one of its ports."""
    interfaces, port_rows, controllers, bridges = database.tables(_TABLES)
    found = {row["_uuid"][1]: row for row in interfaces}
    ports = {row["_uuid"][1]: _port(row, found) for row in port_rows}
    targets = {row["_uuid"][1]: row["target"] for row in controllers}
    return {row["name"]: _bridge(row, ports, targets) for row in bridges}


class _Port(NamedTuple):
    """A port, the number that it asks for (0: any), and its other settings as text."""

    name: str
    number: int
    odd: str


def _port(row: dict[str, Any], interfaces: Mapping[str, dict[str, Any]]) -> _Port:
    own = [interfaces[uuid] for _, uuid in members(row["interfaces"])]
    words = [f"{column} {','.join(map(str, value))}" for column in _VLAN if (value := members(row[column]))]
    words += [f"ingress_policing_rate {rate}" for one in own if (rate := one["ingress_policing_rate"])]
    number = sum(next(iter(members(one["ofport_request"])), 0) for one in own)
    return _Port(row["name"], number, ", ".join(words))


def _bridge(row: dict[str, Any], ports: dict[str, _Port], targets: dict[str, str]) -> Bridge:
    """Return a bridge; settings that are left out have the defaults of Open vSwitch."""
    config = dict(row["other_config"][1])
    own = row["name"]
    found = [port for _, uuid in members(row["ports"]) if (port := ports[uuid]).name != own]
    return Bridge(
        own,
        config.get("datapath-id", ""),
        config.get("hwaddr", ""),
        row["datapath_type"] or KERNEL,
        tuple(sorted(members(row["protocols"]))),
        "".join(members(row["fail_mode"])) or "standalone",
        tuple(sorted(targets[uuid] for _, uuid in members(row["controller"]))),
        {port.name: port.number for port in found},
        tuple(column for column in ENABLED if row[column]),
        {port.name: port.odd for port in found if port.odd},
    )


def without_known(
    database: Database, old: Mapping[str, Bridge], new: Mapping[str, Bridge]
) -> dict[str, Bridge]:
    """Return `new` without ports that exist although `old` lacks them.

    A link may be cut or restored while a session has it removed: both then add the port, one first.
    """
    none: Mapping[str, int] = {}
    own = {name: old[name].ports if name in old else none for name in new}
    added = [port for name, bridge in new.items() for port in bridge.ports if port not in own[name]]
    known = rows(database, "Port", added)
    if not known:
        return dict(new)
    return {
        name: replace(
            bridge, ports={p: n for p, n in bridge.ports.items() if p in own[name] or p not in known}
        )
        for name, bridge in new.items()
    }


def rows(database: Database, table: str, names: Iterable[str]) -> dict[str, str]:
    """Return the row identifiers of `table` by name, for rows that have one of `names`."""
    columns = ["_uuid", "name"]
    asked = [
        {"op": "select", "table": table, "where": [["name", "==", name]], "columns": columns}
        for name in names
    ]
    found = [row for answer in database.transact(asked) for row in answer["rows"]] if asked else []
    return {row["name"]: row["_uuid"][1] for row in found}
