"""Differences between the light ports of two plans. Pure.

Two ports are the same if they have the same name, address space and address: then one keeps its counters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emulator.overlay.plan import Overlay
from topologies.counting import counted, some_names
from topologies.same_names import same_names
from topologies.topology import I64

_SHOWN = 8


@dataclass(frozen=True)
class OverlayDifference:
    """Differences from `old` to `new`; None is a network without light ports.

    Rows are those of the ports in their overlay.
    """

    old: Overlay | None
    new: Overlay | None

    @cached_property
    def _kept(self) -> tuple[I64, I64]:
        """Rows of the same ports in both, in the new order."""
        none = np.zeros(0, dtype=np.int64)
        if self.old is None or self.new is None:
            return none, none
        before, after = self.old.ports, self.new.ports
        order = np.argsort(before.key)
        at = np.minimum(np.searchsorted(before.key[order], after.key), len(order) - 1)
        rows = np.flatnonzero(before.key[order[at]] == after.key)
        old = order[at[rows]]
        same = same_names(before.names, before.first + old, after.names, after.first + rows)
        return old[same], rows[same]

    @property
    def kept(self) -> tuple[I64, I64]:
        """Rows of the same ports in `old` and in `new`: int64[k] each."""
        return self._kept

    @cached_property
    def gone(self) -> I64:
        """Rows of ports in `old` that `new` doesn't have."""
        return _others(self.old, self._kept[0])

    @cached_property
    def added(self) -> I64:
        """Rows of ports in `new` that `old` doesn't have."""
        return _others(self.new, self._kept[1])

    @cached_property
    def moved(self) -> I64:
        """Rows in `new` of the same ports whose place is another: compute host, or namespace there."""
        if self.old is None or self.new is None:
            return np.zeros(0, dtype=np.int64)
        was, now = self._kept
        differ = self.old.device[was] != self.new.device[now]
        return np.asarray(now[differ | (self.old.vtep[was] != self.new.vtep[now])])

    @cached_property
    def changed(self) -> I64:
        """Rows in `new` of the same ports whose MAC, VNI or subnet is another."""
        if self.old is None or self.new is None:
            return np.zeros(0, dtype=np.int64)
        (was, now), before, after = self._kept, self.old.ports, self.new.ports
        differ = (before.vni[was] != after.vni[now]) | (before.subnet[was] != after.subnet[now])
        return np.asarray(now[differ | (before.mac[was] != after.mac[now]).any(axis=1)])

    @cached_property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        if self.old is None or self.new is None:
            return self.old is self.new
        return not (len(self.gone) or len(self.added) or len(self.moved) or len(self.changed)) and _carriers(
            self.old
        ) == _carriers(self.new)

    def lines(self) -> list[str]:
        """Return the changes of ports for people, one line each."""
        rows = [
            ("added", self.new, self.added, ""),
            ("removed", self.old, self.gone, ""),
            ("moved", self.new, self.moved, " to another compute host or namespace"),
            ("changed the MAC, VPC or subnet of", self.new, self.changed, ""),
        ]
        out = []
        for verb, overlay, ports, where in rows:
            if overlay is not None and len(light := _light(overlay, ports)):
                out.append(_line(verb, len(light), where, _some(overlay, light)))
        return out


def _others(overlay: Overlay | None, rows: I64) -> I64:
    """Return the rows of an overlay's ports that aren't among `rows`."""
    if overlay is None:
        return np.zeros(0, dtype=np.int64)
    others = np.ones(len(overlay.ports), dtype=bool)
    others[rows] = False
    return np.flatnonzero(others)


def _light(overlay: Overlay, rows: I64) -> I64:
    """Return the rows of light ports: members are named as full nodes."""
    return rows[rows >= overlay.ports.members]


def _some(overlay: Overlay, rows: I64) -> list[str]:
    first = overlay.ports.first
    return [overlay.ports.names[first + row] for row in rows[: _SHOWN + 1].tolist()]


def _line(verb: str, count: int, where: str, names: list[str]) -> str:
    return f"{verb} {counted(count, 'light port')}{where}: {some_names(names, _SHOWN)}"


def _carriers(overlay: Overlay) -> tuple[object, ...]:
    """Return what carries the ports, comparable: hosts by name, tenants' namespaces, networks, VPCs."""
    names, vpcs = overlay.underlay.names, overlay.ports.vpcs
    hosts = {names[node]: (host, overlay.spaces_of_host[node]) for node, host in overlay.hosts.items()}
    return hosts, overlay.tenants, [one[1:] for one in overlay.members], vpcs.networks, vpcs.spaces.tolist()
