"""The compute hosts and VPCs of a network in the maps of its data path: written, compared, forgotten."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emulator.linux.bpf.maps import Map
from emulator.linux.overlay.maps import DEVICE, PEER, SLOT, VTEP, OverlayMaps
from emulator.overlay.plan import Overlay

_MANY_SPACES = 0xFFFFFFFF
"""Address space of an uplink whose host has several: no program looks a port up by it."""


class _Rows(NamedTuple):
    """Keys and values of a map, by key."""

    map: Map
    keys: NDArray[Any]
    values: NDArray[Any]


def write_hosts(maps: OverlayMaps, overlay: Overlay) -> None:
    """Write all hosts and VPCs. Raises KernelError (E2BIG) when a map has no room."""
    for rows in _wanted(maps, overlay):
        rows.map.update_batch(rows.keys, rows.values)


def has_room(maps: OverlayMaps, overlay: Overlay) -> bool:
    """Return whether the maps can hold the hosts and VPCs of `overlay` beside those that they have."""
    return all(
        len(np.union1d(rows.keys, _present(rows).keys)) <= rows.map.description.entries
        for rows in _wanted(maps, overlay)
    )


def forget_hosts(maps: OverlayMaps, overlay: Overlay) -> None:
    """Delete the hosts and VPCs that `overlay` doesn't have."""
    for rows in _wanted(maps, overlay):
        rows.map.delete_batch(np.setdiff1d(_present(rows).keys, rows.keys))


def unlike_hosts(maps: OverlayMaps, overlay: Overlay) -> list[str]:
    """Return the names of the maps that differ from what `write_hosts` and `forget_hosts` leave."""
    out = []
    for rows in _wanted(maps, overlay):
        found = _present(rows)
        order, other = np.argsort(rows.keys), np.argsort(found.keys)
        same = np.array_equal(rows.keys[order], found.keys[other]) and np.array_equal(
            rows.values[order], found.values[other]
        )
        out += [] if same else [rows.map.name]
    return out


def _present(rows: _Rows) -> _Rows:
    return _Rows(rows.map, *rows.map.lookup_batch(rows.keys.dtype, rows.values.dtype))


def _wanted(maps: OverlayMaps, overlay: Overlay) -> tuple[_Rows, ...]:
    """Return what the maps shall hold: uplinks and tenants' devices, hosts' MACs, VNIs."""
    hosts = list(overlay.hosts.values())
    devices = [(host, host.uplink, overlay.spaces_of_host[host.node]) for host in hosts]
    devices += [(overlay.hosts[one.host], one.device, one.space) for one in overlay.behind]
    found = np.zeros(len(devices), dtype=DEVICE)
    for row, (host, _, space) in enumerate(devices):
        mask = (0xFFFFFFFF << (32 - host.length)) & 0xFFFFFFFF
        found[row] = (
            space if space >= 0 else _MANY_SPACES, host.vtep, host.uplink, mask, tuple(host.mac),
            tuple(host.gateway or bytes(6)),
        )  # fmt: skip
    peers = np.zeros(len(hosts), dtype=PEER)
    peers["mac"] = [tuple(host.mac) for host in hosts]
    vpcs = overlay.ports.vpcs
    return (
        _Rows(maps.devices, np.array([index for _, index, _ in devices], dtype=SLOT), found),
        _Rows(maps.peers, np.array([host.vtep for host in hosts], dtype=VTEP), peers),
        _Rows(maps.vnis, np.arange(1, len(vpcs.names) + 1, dtype=SLOT), vpcs.spaces.astype(SLOT)),
    )
