"""Compare the ports in the maps of a running network with its plan, in columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.deviation import Deviation, missing
from emulator.linux.overlay.maps import ASTRAY, DOWN, OverlayMaps, place, split_place
from emulator.linux.overlay.port_table import PortTable
from emulator.overlay.plan import Overlay
from topologies.counting import counted, some_names
from topologies.topology import I64

Bools = NDArray[np.bool_]

_MOST = 20
"""Most ports that are named one by one, of one kind of difference."""
_SHOWN = 3


@dataclass
class PortDamage:
    """Rows of ports that are to be written again, slots of ports that nobody planned, and why."""

    rows: I64
    extra: I64
    deviations: list[Deviation]


class PortSurvey:
    """Compares the ports of `overlay` with those in `maps`; `up` (bool[k]) tells which shall be up."""

    def __init__(self, overlay: Overlay, up: Bools, maps: OverlayMaps) -> None:
        self._overlay, self._up, self._maps = overlay, up, maps
        self._names = overlay.ports.names

    def damage(self) -> PortDamage:
        """Return the differences."""
        slots = PortTable(self._maps).slots(self._overlay)
        found = self._maps.ports[np.maximum(slots, 0)]
        there = (slots >= 0) & (found["place"] != 0)
        ports, wanted_place = self._overlay.ports, place(self._overlay.device, self._overlay.vtep)
        unlike = {
            "place": there & ((found["place"] != wanted_place) | (found["flags"] & ASTRAY != 0)),
            "MAC": there & (found["mac"] != ports.mac).any(axis=1),
            "VNI": there & (found["vni"] != ports.vni),
            "subnet": there & (found["subnet"] != ports.subnet),
        }
        is_up = found["flags"] & DOWN == 0
        flipped = there & (is_up != self._up)
        out = self._named(~there, lambda row: missing(self._name(row), f"light port {self._name(row)}"))
        out += self._named(flipped, lambda row: self._flip(row, up=bool(self._up[row])))
        for what, rows in unlike.items():
            out += self._named(rows, lambda row, what=what: self._unlike(what, row, found[row]))  # type: ignore[misc]
        extra = self._extra(slots[there])
        out += self._unplanned(extra)
        wrong = ~there | flipped | np.logical_or.reduce(list(unlike.values()))
        return PortDamage(np.flatnonzero(wrong), extra, out)

    def _name(self, row: int) -> str:
        return self._names[self._overlay.ports.first + row]

    def _flip(self, row: int, *, up: bool) -> Deviation:
        words = ("up", "down") if up else ("down", "up")
        return Deviation(self._name(row), f"light port {self._name(row)}", *words)

    def _unlike(self, what: str, row: int, found: Any) -> Deviation:
        ports, name = self._overlay.ports, self._name(row)
        if what == "place":
            host = self._overlay.underlay.names[int(ports.host[row])]
            words = self._host_at(int(found["place"]))
            if int(found["flags"]) & ASTRAY:
                words += ", where it isn't: what is sent to it is lost there"
            return Deviation(name, "compute host", host, words)
        if what == "MAC":
            return Deviation(name, what, *(bytes(mac).hex(":") for mac in (ports.mac[row], found["mac"])))
        columns = {"VNI": ports.vni, "subnet": ports.subnet}
        return Deviation(name, what, str(columns[what][row]), str(found[what.lower()]))

    def _host_at(self, packed: int) -> str:
        """Return the name of the compute host of a `place`, or words for a device that no host has."""
        device = int(split_place(packed)[0][0])
        for host in self._overlay.hosts.values():
            if host.uplink == device:
                return self._overlay.underlay.names[host.node]
        for behind in self._overlay.behind:
            if behind.device == device:
                return self._overlay.underlay.names[behind.host]
        return f"device {device}, which no compute host has"

    def _named(self, mask: Bools, deviation: Callable[[int], Deviation]) -> list[Deviation]:
        """Return a deviation for each row of `mask` (bool[k]), or one for all when they are many."""
        rows = np.flatnonzero(mask)
        if len(rows) <= _MOST:
            return [deviation(row) for row in rows.tolist()]
        names = some_names([self._name(row) for row in rows[: _SHOWN + 1].tolist()], _SHOWN)
        one = deviation(int(rows[0]))
        what, those = one.object.removesuffix(f" {one.node}"), f"{len(rows):,} ports ({names})"
        if what == "light port":
            expected = "present" if one.expected == "there" else one.expected
            return [Deviation("light ports", those, expected, one.found)]
        return [Deviation("light ports", f"{what} of {those}", one.expected, one.found)]

    def _extra(self, planned: I64) -> I64:
        """Return the slots of ports that no row has."""
        taken = self._maps.ports["place"] != 0
        if int(np.count_nonzero(taken)) == len(planned):
            return np.zeros(0, dtype=np.int64)
        taken[planned] = False
        return np.flatnonzero(taken)

    @staticmethod
    def _unplanned(slots: I64) -> list[Deviation]:
        if not len(slots):
            return []
        return [
            Deviation("light ports", counted(len(slots), "port") + " that no file has", "missing", "present")
        ]


def restore_ports(overlay: Overlay, up: Bools, maps: OverlayMaps, damage: PortDamage) -> None:
    """Write ports again as planned; those that exist keep their counters. OverflowError without room."""
    table = PortTable(maps)
    table.remove(damage.extra)
    rows = damage.rows
    table.add_pages(overlay, rows)
    slots = table.slots(overlay, rows)
    there = table.exists(slots)
    table.write(overlay, rows[~there], up[rows[~there]])
    table.rewrite(overlay, rows[there], up[rows[there]])


def count_ports(overlay: Overlay, maps: OverlayMaps, rows: I64) -> int:
    """Return how many of the planned ports of `rows` exist."""
    table = PortTable(maps)
    return int(np.count_nonzero(table.exists(table.slots(overlay)[rows])))
