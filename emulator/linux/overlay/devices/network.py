"""Light ports with devices in a running network: created, compared, repaired, brought up and down."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emulator.deviation import Deviation, missing
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.tunnel_messages import vpc_device
from emulator.linux.nodes.converge import keep_going
from emulator.linux.overlay.devices.change import change
from emulator.linux.overlay.devices.items import Item, PortDevice, PortUp, Wire, device_items
from emulator.linux.overlay.devices.port_changes import PortChanges, TenantSockets
from emulator.linux.overlay.devices.read import FoundDevices, read_counters, read_devices
from emulator.linux.overlay.host_messages import tenant_name
from emulator.linux.overlay.items import TENANT_DEVICE, TENANT_INTERFACE
from emulator.linux.overlay.repair import THERE
from emulator.linux.overlay.survey import item_deviations
from emulator.network import Progress
from emulator.overlay.devices import DevicePorts
from emulator.overlay.plan import Overlay, Tenant


@dataclass
class DeviceDamage:
    """Deviations, and what was found in the namespaces that deviate."""

    deviations: list[Deviation] = field(default_factory=list)
    tenants: dict[Tenant, FoundDevices] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when nothing deviates."""
        return not self.deviations


class DeviceNetwork:
    """The light ports of `overlay` in the namespaces of `store`; `up` (bool[k]) tells which are to be up.

    Call all methods inside the store's mount namespace. They leave the thread in some namespace.
    """

    def __init__(self, overlay: Overlay, up: npt.NDArray[np.bool_], store: NamespaceStore) -> None:
        self._overlay, self._up, self._store = overlay, up, store
        self._ports = DevicePorts(overlay)

    def create(self, progress: Progress) -> None:
        """Create all ports, once the full nodes exist. Raises KernelError, without a rollback."""
        tenants = self._overlay.tenants_here
        for done, tenant in enumerate(tenants):
            if done % 16 == 0:
                progress("VPCs on hosts", done, len(tenants))
            self._make(tenant)
        progress("VPCs on hosts", len(tenants), len(tenants))

    def damage(self, check: Callable[[], None] = keep_going) -> DeviceDamage:
        """Compare all namespaces of VPCs with the plan; `check` may stop it."""
        out, files = DeviceDamage(), frozenset(self._store.files())
        for tenant in self._overlay.tenants_here:
            check()
            name = tenant_name(self._overlay, tenant)
            if tenant.file not in files:
                out.tenants[tenant] = FoundDevices()
                out.deviations.append(
                    missing(self._overlay.underlay.names[tenant.host], f"namespace of {name}")
                )
                continue
            found = self._read(tenant)
            differences = _differences(name, self._wire(tenant), self._items(tenant), found)
            if differences:
                out.tenants[tenant] = found
                out.deviations += differences
        return out

    def repair(self, damage: DeviceDamage, check: Callable[[], None] = keep_going) -> None:
        """Lead what deviates back to the plan; `check` may stop it."""
        for tenant, found in damage.tenants.items():
            check()
            if found.wire != self._wire(tenant):
                self._make(tenant, again=TENANT_DEVICE in found.devices)
                continue
            batch, name = Batch(), tenant_name(self._overlay, tenant)
            for index in (messages.LOOPBACK, TENANT_DEVICE):
                batch.add(messages.link_up(index), "bring up a device of", name)
            change(batch, found.items, self._items(tenant), name)
            self._store.go(tenant.file)
            with Netlink() as netlink:
                netlink.run(batch, ignore=THERE)

    def flip(self, before: npt.NDArray[np.bool_]) -> None:
        """Bring the ports up or down whose state differs from `before` (bool[k]); missing ones stay so."""
        with TenantSockets(self._store) as sockets:
            changes = PortChanges(self._overlay, sockets)
            for up in (False, True):
                rows = np.flatnonzero((before != self._up) & (self._up == up))
                changes.set_up((changes.seat(row) for row in rows.tolist()), up=up)

    def fill(self, tenant: Tenant) -> None:
        """Make a namespace with its VXLAN device and its ways to other ports, without ports of its own."""
        self._make(tenant, items=device_items(self._overlay, self._ports, tenant, None))

    def existing(self) -> int:
        """Return how many ports exist."""
        files, count = frozenset(self._store.files()), 0
        for tenant in self._overlay.tenants_here:
            if tenant.file in files:
                planned = {item for item in self._items(tenant) if isinstance(item, PortDevice)}
                count += len(planned & self._read(tenant).items)
        return count

    def state(self, row: int) -> tuple[str, tuple[int, ...]]:
        """Return "up", "down" or "missing", and the kernel's counters of the port's device."""
        overlay = self._overlay
        index = self._ports.port(row, int(overlay.ports.host_port[row])).device
        self._store.go(overlay.tenants[int(overlay.tenant[row])].file)
        with Netlink() as netlink:
            found = read_devices(netlink)
            if index not in found.devices:
                return "missing", ()
            return "up" if PortUp(index) in found.items else "down", read_counters(netlink, index)

    def _items(self, tenant: Tenant) -> tuple[Item, ...]:
        return device_items(self._overlay, self._ports, tenant, self._up)

    def _read(self, tenant: Tenant) -> FoundDevices:
        self._store.go(tenant.file)
        with Netlink() as netlink:
            return read_devices(netlink)

    def _wire(self, tenant: Tenant) -> Wire:
        host = self._overlay.hosts[tenant.host]
        return Wire(self._overlay.ports.vpcs.vni(tenant.space), host.vtep.to_bytes(4), host.mtu)

    def _make(self, tenant: Tenant, *, again: bool = False, items: tuple[Item, ...] | None = None) -> None:
        """Make a namespace with its VXLAN device, and all that is in it; one that is there is filled.

        `again`: it has another device of this name, which goes first, with all macvlans on it. `items` are
        those to make, by default all.
        """
        overlay, store, wire = self._overlay, self._store, self._wire(tenant)
        name = tenant_name(overlay, tenant)
        store.make(tenant.file)
        if again:
            store.go(tenant.file)
            batch = Batch()
            batch.add(messages.link_delete(TENANT_DEVICE), "remove the VXLAN device of", name)
            with Netlink() as netlink:
                netlink.run(batch, ignore=THERE)
        namespace = store.open(tenant.file)
        try:
            store.go(overlay.underlay.names[tenant.host])
            batch = Batch()
            mac = bytes((0x0A, 2)) + tenant.device.to_bytes(4)
            made = vpc_device(
                TENANT_INTERFACE.encode(), TENANT_DEVICE, mac, namespace,
                vni=wire.vni, vtep=wire.vtep, mtu=wire.mtu,
            )  # fmt: skip
            batch.add(made, "make the VXLAN device of", name)
            with Netlink() as netlink:
                netlink.run(batch)
        finally:
            os.close(namespace)
        store.go(tenant.file)
        batch = Batch()
        batch.add(messages.link_up(messages.LOOPBACK), "bring up lo of", name)
        batch.add(messages.no_link_local(TENANT_DEVICE), "quieten", name)
        batch.add(messages.link_up(TENANT_DEVICE), "bring up the VXLAN device of", name)
        with Netlink() as netlink:
            wanted = self._items(tenant) if items is None else items
            change(batch, read_devices(netlink).items, wanted, name)
            netlink.run(batch, ignore=THERE)


def _differences(name: str, wire: Wire, wanted: tuple[Item, ...], found: FoundDevices) -> list[Deviation]:
    """Return what a namespace lacks or has too much, or one deviation when it is much."""
    out = [
        Deviation(name, f"device {words}", "present and up", "down" if index in found.devices else "missing")
        for index, words in ((messages.LOOPBACK, "lo"), (TENANT_DEVICE, TENANT_INTERFACE))
        if not found.devices.get(index)
    ]
    if found.devices.get(TENANT_DEVICE) and found.wire != wire:
        out.append(
            Deviation(name, f"device {TENANT_INTERFACE}", str(wire), str(found.wire or "no VXLAN device"))
        )
    return out + item_deviations(name, wanted, found.items, "devices, routes and rules")
