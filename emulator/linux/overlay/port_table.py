"""The ports of a running network in the maps of its data path: filled, found, switched, moved, removed.

A port's slot follows from its address: that of its page, plus its place in the page. So the maps themselves
are the only table of what runs, and whoever opens them finds every port.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.linux.overlay.maps import (
    DOWN,
    PAGE,
    PAGE_KEY,
    PORT,
    SLOT,
    UNDER_WAY,
    OverlayMaps,
    place,
)
from emulator.overlay.plan import Overlay
from emulator.tasks import PORT_COUNTERS
from topologies.topology import I64

_MISSING = -1
_AT_ONCE = 32768
"""Ports that move at once: half of the room for former places."""


def capacity(overlay: Overlay) -> int:
    """Return the number of slots for a network: room for as many ports again, in whole pages.

    A map can't grow. Unused slots cost 64 bytes each.
    """
    pages = len(np.unique(_keys(overlay)))
    return (2 * pages + 1024) * PAGE


def _keys(overlay: Overlay) -> NDArray[np.uint64]:
    """Return the page of each port as one number: address space, then address / PAGE."""
    return _wide(overlay.ports.space, overlay.ports.address)


def _wide(space: I64, address: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return space.astype(np.uint64) << np.uint64(32) | (address // PAGE).astype(np.uint64)


def _narrow(pages: NDArray[np.uint64]) -> NDArray[Any]:
    """Return the keys (PAGE_KEY) of pages that are one number each."""
    keys = np.empty(len(pages), dtype=PAGE_KEY)
    keys["space"], keys["page"] = pages >> np.uint64(32), pages & np.uint64(0xFFFFFFFF)
    return keys


def records(overlay: Overlay, rows: I64 | slice, up: NDArray[np.bool_]) -> NDArray[Any]:
    """Return new ports (PORT[k]) of rows, with counters of 0; `up` (bool[k]) tells which are up."""
    ports = overlay.ports
    made = np.zeros(len(up), dtype=PORT)
    made["mac"], made["vni"], made["subnet"] = ports.mac[rows], ports.vni[rows], ports.subnet[rows]
    made["flags"] = np.where(up, 0, DOWN)
    made["place"] = place(overlay.device[rows], overlay.vtep[rows])
    return made


class PortTable:
    """The ports in `maps`; rows are those of an `Overlay`."""

    def __init__(self, maps: OverlayMaps) -> None:
        self._maps = maps
        self._ports = maps.ports
        self._read_pages()

    def _read_pages(self) -> None:
        keys, first = self._maps.pages.lookup_batch(PAGE_KEY, SLOT)
        wide = keys["space"].astype(np.uint64) << np.uint64(32) | keys["page"].astype(np.uint64)
        order = np.argsort(wide)
        self._pages, self._first = wide[order], first[order].astype(np.int64)

    def slots(self, overlay: Overlay, rows: I64 | slice = slice(None)) -> I64:
        """Return the slot of each port, -1 where its page doesn't exist: int64[k]."""
        address = overlay.ports.address[rows]
        wide = _wide(overlay.ports.space[rows], address)
        if not len(self._pages):
            return np.full(len(wide), _MISSING, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._pages, wide), len(self._pages) - 1)
        return np.where(self._pages[at] == wide, self._first[at] + address % PAGE, _MISSING)

    def add_pages(self, overlay: Overlay, rows: I64 | slice = slice(None)) -> None:
        """Create the missing pages of ports; OverflowError when the maps have no room."""
        wanted = np.unique(_wide(overlay.ports.space[rows], overlay.ports.address[rows]))
        new = np.setdiff1d(wanted, self._pages, assume_unique=True)
        if not len(new):
            return
        free = np.setdiff1d(np.arange(0, len(self._ports), PAGE), self._first, assume_unique=True)
        if len(new) > len(free):
            raise OverflowError(f"{len(new) - len(free)} pages of {PAGE} addresses too many")
        self._maps.pages.update_batch(_narrow(new), free[: len(new)].astype(SLOT))
        self._read_pages()

    def drop_empty_pages(self) -> None:
        """Forget the pages without a port: their slots are free for others."""
        used = (self._ports["place"] != 0).reshape(-1, PAGE).any(axis=1)
        empty = self._pages[~used[self._first // PAGE]]
        self._maps.pages.delete_batch(_narrow(empty))
        self._read_pages()

    def write(self, overlay: Overlay, rows: I64 | slice, up: NDArray[np.bool_]) -> None:
        """Write ports, as new ones: `up` (bool[k]) tells which are up. Their pages must exist."""
        self.put(self.slots(overlay, rows), records(overlay, rows, up))

    def put(self, slots: I64, ports: NDArray[Any]) -> None:
        """Write ports (PORT[k]) into their slots; a port exists from the store of its place on."""
        places = ports["place"].copy()
        ports["place"] = 0
        self._ports[slots] = ports
        self._ports["place"][slots] = places
        ports["place"] = places

    def rewrite(self, overlay: Overlay, rows: I64 | slice, up: NDArray[np.bool_]) -> None:
        """Write everything but the counters of ports that exist."""
        slots, made = self.slots(overlay, rows), records(overlay, rows, up)
        for name in ("mac", "vni", "subnet", "flags", "place"):
            self._ports[name][slots] = made[name]

    def set_up(self, slots: I64, *, up: bool) -> None:
        """Bring ports up or down."""
        flags = self._ports["flags"]
        if up:
            flags[slots] &= np.uint16(~DOWN & 0xFFFF)
        else:
            flags[slots] |= np.uint16(DOWN)

    def remove(self, slots: I64) -> None:
        """Remove ports. Their pages stay for those that come."""
        self._ports["place"][slots] = 0
        self._ports[slots] = np.zeros(1, dtype=PORT)

    def migrate(self, slots: I64, device: int, vtep: int) -> None:
        """Move ports behind `device` of the host with `vtep`; call `settle` some milliseconds later."""
        self._maps.migrate(slots.astype(SLOT), np.repeat(place(device, vtep), len(slots)))

    def send_astray(self, slot: int, home: tuple[int, int], away: tuple[int, int]) -> None:
        """Lead packets for a port at `home` (device, vtep) to `away`, if the port is there."""
        if self._ports["place"][slot]:
            at = np.array([slot], dtype=SLOT)
            self._maps.send_astray(at, np.atleast_1d(place(*home)), np.atleast_1d(place(*away)))

    def lead_home(self, slot: int, home: tuple[int, int]) -> None:
        """Lead packets for a port to where it is again, if the port is there."""
        at = np.array([slot], dtype=SLOT)
        if self._ports["place"][slot]:
            self._maps.lead_home(at, np.atleast_1d(place(*home)))
        else:
            self._maps.settle(at)

    def move(self, slots: I64, places: NDArray[np.uint64]) -> None:
        """Move ports (each once) to `places`, if they aren't there; nothing under way is lost.

        Takes some tens of milliseconds: packets to the former places may arrive until then.
        """
        away = np.flatnonzero((slots >= 0) & (self._ports["place"][slots] != places))
        for at in range(0, len(away), _AT_ONCE):
            some = away[at : at + _AT_ONCE]
            moving = slots[some].astype(SLOT)
            self._maps.migrate(moving, places[some])
            time.sleep(UNDER_WAY)
            self._maps.settle(moving)

    def settle(self, slots: I64) -> None:
        """Forget the former places of ports that were moved."""
        for key in slots.astype(SLOT):
            self._maps.moving.delete(key.tobytes())

    def exists(self, slots: I64) -> NDArray[np.bool_]:
        """Return which ports exist: bool[k]."""
        return np.asarray((slots >= 0) & (self._ports["place"][slots] != 0))

    def is_up(self, slots: I64) -> NDArray[np.bool_]:
        """Return which ports are up: bool[k]."""
        return np.asarray(self._ports["flags"][slots] & DOWN == 0)

    def read(self, slots: I64) -> NDArray[Any]:
        """Return a copy of ports, counters included: PORT[k]."""
        return self._ports[slots]

    def counters(self, slots: I64) -> NDArray[np.uint64]:
        """Return the counters of ports: uint64[k, 5], received and sent packets and bytes, dropped ones."""
        found = self._ports[slots]
        return np.stack([found[name] for name in PORT_COUNTERS], axis=1)
