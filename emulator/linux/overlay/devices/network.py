"""Light ports with devices in a running network: created, compared, repaired, brought up and down."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emulator.deviation import Deviation, missing
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.tunnel_messages import vpc_device
from emulator.linux.overlay.devices.change import change
from emulator.linux.overlay.devices.items import Item, PortDevice, PortUp, device_items, is_for
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

    def damage(self) -> DeviceDamage:
        """Compare all namespaces of VPCs with the plan."""
        out, files = DeviceDamage(), frozenset(self._store.files())
        for tenant in self._overlay.tenants_here:
            name = tenant_name(self._overlay, tenant)
            if tenant.file not in files:
                out.tenants[tenant] = FoundDevices()
                out.deviations.append(
                    missing(self._overlay.underlay.names[tenant.host], f"namespace of {name}")
                )
                continue
            found = self._read(tenant)
            differences = _differences(name, self._items(tenant), found)
            if differences:
                out.tenants[tenant] = found
                out.deviations += differences
        return out

    def repair(self, damage: DeviceDamage) -> None:
        """Lead what deviates back to the plan."""
        for tenant, found in damage.tenants.items():
            if TENANT_DEVICE not in found.devices:
                self._make(tenant)
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
        other = before != self._up
        rows = np.flatnonzero(other)
        for number in np.unique(self._overlay.tenant[rows]).tolist():
            tenant = self._overlay.tenants[number]
            found, wanted = self._read(tenant), self._items(tenant)
            indices = {port.device for port in self._ports.own(tenant) if other[port.row]}
            batch = Batch()
            for index in sorted(indices):
                had = [item for item in found.items if is_for(item, index)]
                if any(isinstance(item, PortDevice) for item in had):
                    own = [item for item in wanted if is_for(item, index)]
                    change(batch, had, own, tenant_name(self._overlay, tenant))
            self._store.go(tenant.file)
            with Netlink() as netlink:
                netlink.run(batch, ignore=THERE)

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
            found, counters = read_devices(netlink), read_counters(netlink)
        if index not in found.devices:
            return "missing", ()
        return "up" if PortUp(index) in found.items else "down", counters[index]

    def _items(self, tenant: Tenant) -> tuple[Item, ...]:
        return device_items(self._overlay, self._ports, tenant, self._up)

    def _read(self, tenant: Tenant) -> FoundDevices:
        self._store.go(tenant.file)
        with Netlink() as netlink:
            return read_devices(netlink)

    def _make(self, tenant: Tenant) -> None:
        """Make a namespace with its VXLAN device, and all that is in it; one that is there is filled."""
        overlay, store = self._overlay, self._store
        host, name = overlay.hosts[tenant.host], tenant_name(overlay, tenant)
        store.make(tenant.file)
        namespace = store.open(tenant.file)
        try:
            store.go(overlay.underlay.names[tenant.host])
            batch = Batch()
            mac, vni = bytes((0x0A, 2)) + tenant.device.to_bytes(4), overlay.ports.vpcs.vni(tenant.space)
            made = vpc_device(
                TENANT_INTERFACE.encode(), TENANT_DEVICE, mac, namespace,
                vni=vni, vtep=host.vtep.to_bytes(4), mtu=host.mtu,
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
            change(batch, read_devices(netlink).items, self._items(tenant), name)
            netlink.run(batch, ignore=THERE)


def _differences(name: str, wanted: tuple[Item, ...], found: FoundDevices) -> list[Deviation]:
    """Return what a namespace lacks or has too much, or one deviation when it is much."""
    out = [
        Deviation(name, f"device {words}", "present and up", "down" if index in found.devices else "missing")
        for index, words in ((messages.LOOPBACK, "lo"), (TENANT_DEVICE, TENANT_INTERFACE))
        if not found.devices.get(index)
    ]
    return out + item_deviations(name, wanted, found.items, "devices, routes and rules")
