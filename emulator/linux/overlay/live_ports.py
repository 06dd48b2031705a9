"""The light ports of a running network, for tasks beside it: where each is now, and its counters."""

from __future__ import annotations

import errno
import os
import socket
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import split_place
from emulator.linux.overlay.port_table import PortTable
from emulator.overlay.plan import Overlay


class LivePorts:
    """Reads the ports of `overlay` from the memory of their map; implements `emulator.tasks.LightPorts`."""

    def __init__(self, overlay: Overlay, store: NamespaceStore) -> None:
        self._overlay, self._store = overlay, store
        self._maps = open_maps(overlay, store)
        self._table = PortTable(self._maps)
        self._slots = self._table.slots(overlay)
        self._places = self._maps.ports["place"]
        self._first = overlay.ports.first

    def where(self, node: int) -> int:
        """Return a number that changes when the light port moves to another compute host; 0: it is gone."""
        return int(self._places[self._slots[node - self._first]])

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened where the light port is now; OSError when it is gone."""
        place = self.where(node)
        if not place:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        with self._store.entered():
            self._store.go(self._overlay.file_behind(int(split_place(place)[0][0])))
            return socket.socket(family, kind, protocol)

    def vpcs(self) -> npt.NDArray[np.int64]:
        """Return the VPC of each port: int64[k]."""
        return self._overlay.ports.vpc

    @cached_property
    def _hosts(self) -> npt.NDArray[np.int64]:
        """Address in the underlay and node of each compute host, by address: int64[h, 2]."""
        hosts = np.array([(host.vtep, host.node) for host in self._overlay.hosts.values()], dtype=np.int64)
        return hosts[np.argsort(hosts[:, 0])]

    def hosts(self, first: int, end: int) -> npt.NDArray[np.int32]:
        """Return the compute hosts of the rows from `first` to `end` now, -1 without a port: int32[n]."""
        places, hosts = self._places[self._slots[first:end]], self._hosts
        _, vteps = split_place(places)
        at = np.minimum(np.searchsorted(hosts[:, 0], vteps), len(hosts) - 1)
        there = (places != 0) & (hosts[at, 0] == vteps)
        return np.where(there, hosts[at, 1], -1).astype(np.int32)

    def counters(self, first: int, end: int) -> npt.NDArray[np.uint64]:
        """Return the counters of the rows from `first` to `end`: uint64[n, 5]."""
        return self._table.counters(self._slots[first:end])

    def close(self) -> None:
        """Close the maps."""
        self._maps.close()
