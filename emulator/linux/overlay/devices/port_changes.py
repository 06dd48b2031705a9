"""Changes of single ports with devices in a running network, by a socket in the namespace of each VPC."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from emulator.closing import Closing
from emulator.errors import MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import device_messages, messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.overlay.devices.change import change
from emulator.linux.overlay.devices.items import Item, PortDevice, PortRule, port_items, port_mtu, up_items
from emulator.linux.overlay.host_messages import tenant_name
from emulator.linux.overlay.items import TENANT_DEVICE, Network
from emulator.linux.overlay.repair import THERE
from emulator.overlay.devices import DevicePorts, PortRow
from emulator.overlay.plan import Overlay, Tenant

_GUESTS = 1 << 20
"""First number of ports at compute hosts that aren't their own: no host has as many of its own."""


class Seat(NamedTuple):
    """Where a port is: the namespace of its VPC on a compute host, and its device there."""

    tenant: Tenant
    port: PortRow


class TenantSockets(Closing):
    """Netlink sockets in namespaces of VPCs, opened once. Opening one leaves the thread in its namespace."""

    def __init__(self, store: NamespaceStore) -> None:
        self._store = store
        self._open: dict[str, Netlink] = {}

    def close(self) -> None:
        """Close all of them."""
        for file in list(self._open):
            self.forget(file)

    def __call__(self, file: str) -> Netlink:
        """Return the socket in the namespace of a file; MissingError without the file."""
        found = self._open.get(file)
        if found is None:
            self._store.go(file)
            found = self._open[file] = Netlink()
        return found

    def __contains__(self, file: str) -> bool:
        return file in self._open

    def run(self, file: str, batch: Batch) -> None:
        """Send a batch there; what is there or gone already is no error, also the namespace.

        A namespace that was made again meanwhile gets a new socket.
        """
        with suppress(MissingError):
            errors = self(file).run(batch, ignore=THERE)
            if any(error.errno == errno.ENODEV for error in errors):
                self.forget(file)
                self(file).run(batch, ignore=THERE)

    def forget(self, file: str) -> None:
        """Close the socket in a namespace, if any: it would keep the namespace alive."""
        found = self._open.pop(file, None)
        if found is not None:
            found.close()


class PortChanges:
    """Changes the ports of `overlay`; rows are those of the overlay."""

    def __init__(self, overlay: Overlay, sockets: TenantSockets) -> None:
        self._overlay, self._sockets = overlay, sockets
        self._ports = DevicePorts(overlay)
        self._tenants = {(tenant.host, tenant.space): tenant for tenant in overlay.tenants}
        self._networks: dict[int, list[Network]] = {}

    def seat(self, row: int, host: int | None = None) -> Seat:
        """Return where a port is: on its own compute host, or on `host` for some time."""
        ports = self._overlay.ports
        home = int(ports.host[row])
        number = int(ports.host_port[row]) if host in {None, home} else _GUESTS + row
        tenant = self._tenants[home if host is None else host, int(ports.space[row])]
        return Seat(tenant, self._ports.port(row, number))

    def set_up(self, seats: Iterable[Seat], *, up: bool) -> None:
        """Bring ports up or down; the kernel drops the routes of those that go down."""

        def append(batch: Batch, seat: Seat, name: str) -> None:
            state, *routes = self._up_items(seat)
            change(batch, () if up else (state,), (state, *routes) if up else (), name)

        self._each(seats, append)

    def take(self, seats: Iterable[Seat]) -> None:
        """Remove ports; addresses and routes go with their devices."""

        def append(batch: Batch, seat: Seat, name: str) -> None:
            gone = [one for one in self._items(seat) if isinstance(one, PortDevice | PortRule)]
            change(batch, gone, (), name)

        self._each(seats, append)

    def bring(self, seats: Iterable[tuple[Seat, bool]]) -> None:
        """Create ports; the flag tells whether each is up."""
        up = dict(seats)

        def append(batch: Batch, seat: Seat, name: str) -> None:
            change(batch, (), (*self._items(seat), *(self._up_items(seat) if up[seat] else ())), name)

        self._each(up, append)

    def move(self, source: Seat, target: Seat, *, up: bool) -> None:
        """Move a port between two namespaces of its VPC.

        It is in both for a moment: a frame finds it at either, until all namespaces have learned its place.
        """
        self.bring([(target, up)])
        self.lead(target, [one for one in self._overlay.tenants_here if one != target.tenant])
        self.take([source])
        batch, name = Batch(), tenant_name(self._overlay, target.tenant)
        port = target.port
        batch.add(device_messages.far_mac(TENANT_DEVICE, port.mac, bytes(4), delete=True), "change", name)
        batch.add(messages.neighbour_delete(TENANT_DEVICE, port.address), "change", name)
        self._sockets.run(target.tenant.file, batch)

    def lead(self, target: Seat, tenants: Iterable[Tenant]) -> None:
        """Lead frames for a port to its place, from those of `tenants` that are of its VPC."""
        vtep = self._overlay.hosts[target.tenant.host].vtep.to_bytes(4)
        for tenant in tenants:
            if tenant.space != target.tenant.space:
                continue
            batch, name = Batch(), tenant_name(self._overlay, tenant)
            way = device_messages.far_mac(TENANT_DEVICE, target.port.mac, vtep, replace=True)
            batch.add(way, "lead frames in", name)
            neighbour = messages.neighbour(TENANT_DEVICE, target.port.address, target.port.mac)
            batch.add(neighbour, "add a neighbour in", name)
            self._sockets.run(tenant.file, batch)

    def _items(self, seat: Seat) -> tuple[Item, ...]:
        return port_items(seat.port, port_mtu(self._overlay, seat.tenant))

    def _up_items(self, seat: Seat) -> tuple[Item, ...]:
        space = seat.tenant.space
        if space not in self._networks:
            self._networks[space] = self._ports.networks(seat.tenant)
        return up_items(seat.port, self._networks[space])

    def _each(self, seats: Iterable[Seat], append: Callable[[Batch, Seat, str], None]) -> None:
        """Send what `append` adds for each seat, by namespace."""
        batches: dict[str, Batch] = {}
        for seat in seats:
            batch = batches.setdefault(seat.tenant.file, Batch())
            append(batch, seat, tenant_name(self._overlay, seat.tenant))
        for file, batch in batches.items():
            self._sockets.run(file, batch)
