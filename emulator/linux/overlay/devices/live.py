"""The light ports with devices of a running network, for tasks beside it: where each is, and its counters."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from emulator.errors import KernelError, MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import device_messages, messages
from emulator.linux.netlink.connection import Netlink, attributes
from emulator.linux.overlay.devices.counters import NO_COUNTERS, port_counters
from emulator.linux.overlay.devices.port_changes import TenantSockets
from emulator.overlay.devices import DevicePorts
from emulator.overlay.plan import Overlay, Tenant
from emulator.tasks import PORT_COUNTERS

_INDEX = struct.Struct("=4xi")
_UNSEEN = 0.02
"""How long a port that is gone isn't looked for again, in seconds: the whole VPC is searched for it."""
_Seat = tuple[Tenant, int]
_Found = dict[tuple[int, bytes], tuple[int, tuple[int, ...]]]


class LiveDevices:
    """Asks the kernel for the ports of `overlay`; implements `emulator.tasks.LightPorts`.

    A port is the macvlan with its MAC in some namespace of its VPC.
    """

    def __init__(self, overlay: Overlay, store: NamespaceStore) -> None:
        self._overlay, self._store = overlay, store
        self._ports, self._sockets = DevicePorts(overlay), TenantSockets(store)
        self._seats: dict[int, _Seat] = {}
        self._gone: dict[int, float] = {}

    def where(self, node: int) -> int:
        """Return a number that changes when the light port moves to another compute host; 0: it is gone."""
        found = self._find(node - self._overlay.ports.first)
        return 0 if found is None else found[0].host + 1

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened where the light port is now; OSError when it is gone."""
        found = self._find(node - self._overlay.ports.first)
        if found is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        with self._store.entered():
            self._store.go(found[0].file)
            return socket.socket(family, kind, protocol)

    def vpcs(self) -> npt.NDArray[np.int64]:
        """Return the VPC of each port: int64[k]."""
        return self._overlay.ports.vpc

    def hosts(self, first: int, end: int) -> npt.NDArray[np.int32]:
        """Return the compute hosts of the rows from `first` to `end` now, -1 without a port: int32[n]."""
        found, none = self._all(), (-1, ())
        return np.array([found.get(key, none)[0] for key in self._keys(first, end)], dtype=np.int32)

    def counters(self, first: int, end: int) -> npt.NDArray[np.uint64]:
        """Return the kernel's counters of the rows from `first` to `end`: uint64[n, 5]; 0 without a port."""
        none = (-1, NO_COUNTERS)
        if end == first + 1:  # one port: not worth a look at all of them
            seat = self._find(first)
            answer = None if seat is None else self._ask(*seat)
            return np.array(
                [port_counters({} if answer is None else dict(attributes(answer, 16)))], np.uint64
            )
        found = self._all()
        rows = [found.get(key, none)[1] for key in self._keys(first, end)]
        return np.array(rows, dtype=np.uint64).reshape(-1, len(PORT_COUNTERS))

    def close(self) -> None:
        """Close the sockets."""
        self._sockets.close()

    def _keys(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the VPC and the MAC of each row."""
        ports = self._overlay.ports
        yield from zip(ports.vpc[first:end].tolist(), map(bytes, ports.mac[first:end]), strict=True)

    def _find(self, row: int) -> _Seat | None:
        """Return the namespace and the device of a port; None when it is gone."""
        if time.monotonic() < self._gone.get(row, 0.0):
            return None
        overlay, ports = self._overlay, self._overlay.ports
        mac, home = ports.mac[row].tobytes(), overlay.tenants[int(overlay.tenant[row])]
        seat = self._seats.get(row, (home, self._ports.port(row, int(ports.host_port[row])).device))
        for _ in range(2):
            answer = self._ask(*seat)
            if answer is not None and dict(attributes(answer, 16)).get(messages.IFLA_ADDRESS) == mac:
                return seat
            self._sockets.forget(seat[0].file)  # its compute host may have been made again
        for tenant in overlay.tenants_here:
            for index, about in self._dump(tenant) if tenant.space == home.space else ():
                if about.get(messages.IFLA_ADDRESS) == mac:
                    self._seats[row] = tenant, index
                    return tenant, index
        self._gone[row] = time.monotonic() + _UNSEEN
        return None

    def _ask(self, tenant: Tenant, index: int) -> bytes | None:
        """Return what the kernel says of a device; None when it is gone."""
        with suppress(KernelError, MissingError):
            ((_, body),) = self._socket(tenant).dump(device_messages.one_device(index))
            return body
        return None

    def _socket(self, tenant: Tenant) -> Netlink:
        if tenant.file in self._sockets:
            return self._sockets(tenant.file)
        with self._store.entered():
            return self._sockets(tenant.file)

    def _dump(self, tenant: Tenant) -> list[tuple[int, dict[int, bytes]]]:
        """Return the devices of a namespace, with their attributes; none when it is gone."""
        with suppress(KernelError, MissingError):
            found = self._socket(tenant).dump(messages.link_dump())
            return [(_INDEX.unpack_from(body)[0], dict(attributes(body, 16))) for _, body in found]
        return []

    def _all(self) -> _Found:
        """Return the compute host and the counters of each port that is there, by VPC and MAC."""
        out: _Found = {}
        for tenant in self._overlay.tenants_here:
            for _, about in self._dump(tenant):
                key = tenant.space, about.get(messages.IFLA_ADDRESS, b"")
                out[key] = tenant.host, port_counters(about)
        return out
