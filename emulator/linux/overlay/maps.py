"""Maps of one network of light ports, and the structures in them: those of `programs/maps.h`.

A port is found by its address in two steps: `pages` gives the first of 64 neighbouring slots, and the slots
are an array in shared memory. So a port is brought up or down, moved, added and removed by a store into
memory, and its counters are read from memory: no system call for a port.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emulator.closing import Closing
from emulator.errors import BrokenError
from emulator.linux.bpf.maps import ARRAY, HASH, MMAPABLE, NO_PREALLOC, Map
from emulator.linux.bpf.program import Program

PAGE = 64
"""Addresses of a page; its ports have neighbouring slots."""
DOWN = 1
"""Flag of a port: it is down."""
ASTRAY = 2
"""Flag of a port: its `place` is wrong, and packets to it are lost there. It is at the place in `moving`."""

PORT = np.dtype(
    [
        ("place", "=u8"), ("mac", "u1", (6,)), ("flags", "=u2"), ("vni", "=u4"), ("subnet", "=u4"),
        ("rx_packets", "=u8"), ("rx_bytes", "=u8"), ("tx_packets", "=u8"), ("tx_bytes", "=u8"),
        ("dropped", "=u8"),
    ]
)  # fmt: skip
"""A port, 64 bytes. `place` 0: there is none; otherwise see `place`. The counters count IPv4 packets of this
port and their bytes; a large packet that is segmented later counts as one, as on a veth."""
PAGE_KEY = np.dtype([("space", "=u4"), ("page", "=u4")])
"""An address space, and an IPv4 address in host byte order divided by PAGE; the value is a slot, `=u4`."""
DEVICE = np.dtype(
    [
        ("space", "=u4"), ("vtep", ">u4"), ("uplink", "=u4"), ("netmask", ">u4"), ("mac", "u1", (6,)),
        ("gateway", "u1", (6,)),
    ]
)  # fmt: skip
"""An uplink or a tenant's device, 28 bytes; the key is its interface index, `=u4`. `vtep`, `netmask`: address
in the underlay and mask of its subnet. `mac`: of the uplink; `gateway`: of the next hop beyond the subnet."""
PEER = np.dtype([("mac", "u1", (6,)), ("pad", "=u2")])
"""MAC of a compute host in the same subnet of the underlay; the key is its vtep, VTEP."""
VTEP = np.dtype(">u4")
SLOT = np.dtype("=u4")
PLACE = np.dtype("=u8")
UNDER_WAY = 0.05
"""Seconds after which no packet to the former place of a moved port is under way any more."""


def place(devices: ArrayLike, vteps: ArrayLike) -> NDArray[np.uint64]:
    """Return the `place` of ports behind `devices` (interface indices) of compute hosts with `vteps`.

    A vtep is an IPv4 address as a number in host byte order: `int(ipaddress.ip_address("172.16.0.1"))`.
    """
    swapped = np.asarray(vteps, ">u4").view("=u4").astype(np.uint64)
    return np.asarray(devices, np.uint64) | swapped << np.uint64(32)


def split_place(places: ArrayLike) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return (interface indices, vteps in host byte order) of places: the inverse of `place`."""
    packed = np.atleast_1d(np.asarray(places, np.uint64))
    vteps = (packed >> np.uint64(32)).astype("=u4").view(">u4").astype(np.uint32)
    return packed.astype(np.uint32), vteps


def page_keys(space: int, first: int, count: int) -> NDArray[Any]:
    """Return the keys of `count` neighbouring pages; `first` is an address in host byte order.

    Raises ValueError when no page begins there.
    """
    if first % PAGE:
        raise ValueError(f"no page begins at {ipaddress.ip_address(first)}: pages have {PAGE} addresses")
    keys = np.empty(count, PAGE_KEY)
    keys["space"], keys["page"] = space, np.arange(first // PAGE, first // PAGE + count)
    return keys


@dataclass
class OverlayMaps(Closing):
    """The maps of one network. Each is an open `Map`; `ports` is the memory of `port_map`.

    `pages`: PAGE_KEY to first slot. `devices`: index to DEVICE. `peers`: VTEP to PEER. `vnis`: VNI to address
    space. `moving`: slot to the place that a port is leaving (see `migrate`).
    """

    port_map: Map
    pages: Map
    devices: Map
    peers: Map
    vnis: Map
    moving: Map

    def __post_init__(self) -> None:
        self.ports: NDArray[Any] = self.port_map.mapped(PORT)

    @classmethod
    def create(
        cls, slots: int, pages: int, devices: int, *, peers: int = 0, vnis: int = 4096, moving: int = 65536
    ) -> Self:
        """Create empty maps for at most so many of each; a map can't grow later.

        `slots` is a multiple of PAGE for whole pages. There are as many peers as devices unless given.
        Only `slots` costs memory in advance: 64 bytes each.
        """
        made: list[Map] = []
        hashes = (
            ("em_pages", PAGE_KEY.itemsize, SLOT.itemsize, pages),
            ("em_devices", 4, DEVICE.itemsize, devices),
            ("em_peers", VTEP.itemsize, PEER.itemsize, peers or devices),
            ("em_vnis", 4, 4, vnis),
            ("em_moving", SLOT.itemsize, PLACE.itemsize, moving),
        )
        try:
            made.append(Map.create("em_ports", ARRAY, 4, PORT.itemsize, slots, flags=MMAPABLE))
            for name, key, value, entries in hashes:
                made.append(Map.create(name, HASH, key, value, entries, flags=NO_PREALLOC))
            return cls(*made)
        except BaseException:
            for one in made:
                one.close()
            raise

    @classmethod
    def reopen(cls, program: int) -> Self:
        """Open the maps of the network to which the program with this id belongs.

        Raises KernelError when the program is gone, BrokenError when it isn't one of ours.
        """
        with Program.from_id(program) as found:
            opened = {one.name: one for one in map(Map.from_id, found.map_ids())}
        names = ("em_ports", "em_pages", "em_devices", "em_peers", "em_vnis", "em_moving")
        if not set(names) <= set(opened):
            for one in opened.values():
                one.close()
            raise BrokenError(f"BPF program {program} ({found.name}) has no maps of light ports")
        return cls(*(opened[name] for name in names))

    def by_name(self) -> dict[str, Map]:
        """Return the maps by the names that programs use."""
        maps: list[Map] = [getattr(self, field.name) for field in fields(self)]
        return {one.name: one for one in maps}

    @property
    def memlock(self) -> int:
        """Memory that the kernel charges to all maps, in bytes."""
        return sum(one.memlock for one in self.by_name().values())

    def migrate(self, slots: NDArray[np.uint32], places: NDArray[np.uint64]) -> None:
        """Move ports to other compute hosts or devices without losing what is under way.

        One store moves a port. Its former place is noted before: there, packets that were sent before the
        store still arrive, and answers to them still leave. Call `settle` some milliseconds later.
        """
        self.moving.update_batch(np.asarray(slots, SLOT), np.ascontiguousarray(self.ports["place"][slots]))
        self.ports["place"][slots] = places

    def settle(self, slots: NDArray[np.uint32]) -> None:
        """Forget the former places of ports that `migrate` moved: nothing of theirs passes there any more."""
        self.moving.delete_batch(np.asarray(slots, SLOT))

    def send_astray(
        self, slots: NDArray[np.uint32], homes: NDArray[np.uint64], places: NDArray[np.uint64]
    ) -> None:
        """Lead packets for ports at `homes` to `places`, where they are lost. The ports go on sending."""
        self.moving.update_batch(np.asarray(slots, SLOT), homes)
        self.ports["flags"][slots] |= np.uint16(ASTRAY)
        self.ports["place"][slots] = places

    def lead_home(self, slots: NDArray[np.uint32], homes: NDArray[np.uint64]) -> None:
        """Lead packets for ports to where they are again, at `homes`."""
        self.ports["place"][slots] = homes
        self.ports["flags"][slots] &= np.uint16(~ASTRAY & 0xFFFF)
        self.moving.delete_batch(np.asarray(slots, SLOT))

    def close(self) -> None:
        """Close the descriptors. The maps live on while programs use them."""
        for one in self.by_name().values():
            one.close()
