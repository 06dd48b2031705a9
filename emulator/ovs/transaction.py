"""Build the transaction that changes bridges into others. Pure: operations of RFC 7047.

Ports and interfaces needn't be deleted: the database drops rows that nothing refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.ovs.bridges import ENABLED, Bridge
from emulator.ovs.database import Operation

_ROOT = "Open_vSwitch"
_BACKOFF = 1000
"""Milliseconds between a switch's tries to reach its controller: 8 s is Open vSwitch's own."""

Rows = Mapping[str, str]
"""Identifiers of rows by name."""


def transaction(
    before: Mapping[str, Bridge], after: Mapping[str, Bridge], rows: Rows, ports: Rows
) -> list[Operation]:
    """Return the operations that change the bridges `before` into `after` (by name); none if they are equal.

    `rows` and `ports` are the identifiers of bridges and ports in the database.
    """
    new = [bridge for name, bridge in after.items() if name not in before]
    gone = [name for name in before if name not in after]
    out: list[Operation] = []
    for number, bridge in enumerate(new):
        out += _made(bridge, f"b{number}")
    if new:
        out.append(_root("insert", [["named-uuid", f"b{number}"] for number in range(len(new))]))
    if gone:
        out.append(_root("delete", [["uuid", rows[name]] for name in gone if name in rows]))
    for number, (name, bridge) in enumerate(after.items()):
        if name in before and name in rows and before[name] != bridge:
            out += _changed(before[name], bridge, rows[name], ports, f"c{number}")
    if any(operation["op"] == "insert" and operation["table"] == "Port" for operation in out):
        out.insert(0, _UNSHAPED)
    return out


_UNSHAPED: Operation = {
    "op": "insert",
    "table": "QoS",
    "uuid-name": "q",
    "row": {"type": "linux-noop"},
}
"""Ports with it keep the queues that the links' shapes made: Open vSwitch deletes them otherwise."""


def _made(bridge: Bridge, tag: str) -> list[Operation]:
    """Return the rows of a new bridge, named `tag`; its own port has its name."""
    out = [_insert("Interface", f"{tag}i", {"name": bridge.name, "type": "internal"})]
    out.append(_insert("Port", f"{tag}p", {"name": bridge.name, "interfaces": ["named-uuid", f"{tag}i"]}))
    added, names = _ports(bridge.ports, tag)
    controllers, controlled = _controllers(bridge, tag)
    row = _settings(bridge) | {"name": bridge.name, "controller": controlled}
    row["ports"] = _set(["named-uuid", name] for name in (f"{tag}p", *names))
    return [*out, *added, *controllers, _insert("Bridge", tag, row)]


def _ports(ports: Mapping[str, int], tag: str) -> tuple[list[Operation], list[str]]:
    """Return the rows of new ports, and the names of these rows."""
    out: list[Operation] = []
    names = []
    for number, (name, ofport) in enumerate(ports.items()):
        interface, port = f"{tag}i{number}", f"{tag}p{number}"
        row: dict[str, Any] = {"name": name}
        if ofport:
            row["ofport_request"] = ofport
        out.append(_insert("Interface", interface, row))
        out.append(
            _insert(
                "Port",
                port,
                {"name": name, "interfaces": ["named-uuid", interface], "qos": ["named-uuid", "q"]},
            )
        )
        names.append(port)
    return out, names


def _settings(bridge: Bridge) -> dict[str, Any]:
    config = {"datapath-id": bridge.dpid, "disable-in-band": "true"}
    if bridge.mac:
        config["hwaddr"] = bridge.mac
    return {
        **{column: column in bridge.enabled for column in ENABLED},
        "datapath_type": bridge.datapath,
        "fail_mode": bridge.fail_mode,
        "protocols": _set(bridge.protocols),
        "other_config": ["map", [list(pair) for pair in config.items()]],
    }


def _controllers(bridge: Bridge, tag: str) -> tuple[list[Operation], list[Any]]:
    """Return the rows of a bridge's controllers and the set of them."""
    out = [
        _insert(
            "Controller",
            f"{tag}c{number}",
            {"target": target, "connection_mode": "out-of-band", "max_backoff": _BACKOFF},
        )
        for number, target in enumerate(bridge.controllers)
    ]
    return out, _set(["named-uuid", f"{tag}c{number}"] for number in range(len(out)))


def _changed(before: Bridge, after: Bridge, row: str, ports: Rows, tag: str) -> list[Operation]:
    """Return the changes of a bridge: its settings, and ports that are removed or added."""
    out: list[Operation] = []
    update = {key: value for key, value in _settings(after).items() if _settings(before)[key] != value}
    if before.controllers != after.controllers:
        out, update["controller"] = _controllers(after, tag)
    if update:
        out.append({"op": "update", "table": "Bridge", "where": [_is(row)], "row": update})
    lost = lost_ports(before, after)
    kept = before.ports.keys() - lost
    added, names = _ports({name: number for name, number in after.ports.items() if name not in kept}, tag)
    mutations = []
    if lost:
        mutations.append(["ports", "delete", _set(["uuid", ports[name]] for name in lost if name in ports)])
    if names:
        mutations.append(["ports", "insert", _set(["named-uuid", name] for name in names)])
    if mutations:
        out += added
        out.append({"op": "mutate", "table": "Bridge", "where": [_is(row)], "mutations": mutations})
    return out


def lost_ports(before: Bridge, after: Bridge) -> list[str]:
    """Return the ports that leave a bridge; ports with changed settings leave it and are created again."""
    return [
        name
        for name, number in before.ports.items()
        if after.ports.get(name) != number or before.odd.get(name) != after.odd.get(name)
    ]


def _insert(table: str, name: str, row: Mapping[str, Any]) -> Operation:
    return {"op": "insert", "table": table, "uuid-name": name, "row": row}


def _root(mutator: str, bridges: list[list[str]]) -> Operation:
    mutation = ["bridges", mutator, _set(bridges)]
    return {"op": "mutate", "table": _ROOT, "where": [], "mutations": [mutation]}


def _is(row: str) -> list[Any]:
    return ["_uuid", "==", ["uuid", row]]


def _set(values: Iterable[Any]) -> list[Any]:
    return ["set", list(values)]
