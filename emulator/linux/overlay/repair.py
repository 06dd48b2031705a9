"""Restore the data path of a running network to its plan where a survey found that it deviates."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from emulator.linux.machine.udp_segmentation import segment_udp
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.overlay.create import fill, make_maps
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.host_messages import HostMessages, host_name, tenant_name
from emulator.linux.overlay.host_table import forget_hosts, write_hosts
from emulator.linux.overlay.items import TENANT_DEVICE, host_items, tenant_items, without_devices
from emulator.linux.overlay.maps import PLACE, SLOT, OverlayMaps
from emulator.linux.overlay.port_survey import restore_ports
from emulator.linux.overlay.programs import load_programs
from emulator.linux.overlay.read_items import FoundItems
from emulator.linux.overlay.survey import OverlayDamage, OverlaySurvey
from emulator.overlay.plan import Overlay, Tenant

THERE = frozenset({errno.EEXIST, errno.ENOENT, errno.ESRCH, errno.ENODEV})
"""Errors of what is there or gone already: the place for filters is asked for again."""


def repair(overlay: Overlay, up: npt.NDArray[np.bool_], store: NamespaceStore, damage: OverlayDamage) -> None:
    """Restore everything in `damage`. Call inside the store's mount namespace, once the full nodes are whole.

    Raises KernelError when the kernel refuses something.
    """
    maps = open_maps(overlay, store) if damage.maps else make_maps(overlay)
    with maps:
        if not damage.maps:
            fill(maps, overlay, up)
        if damage.tables:
            write_hosts(maps, overlay)
            forget_hosts(maps, overlay)
        if damage.ports is not None:
            restore_ports(overlay, up, maps, damage.ports)
        restore_namespaces(overlay, maps, store, damage)


def forget_moves(overlay: Overlay, store: NamespaceStore) -> None:
    """Forget the former places of all ports that were moved. Call when nothing moves ports any more."""
    with open_maps(overlay, store) as maps:
        slots, _ = maps.moving.lookup_batch(SLOT, PLACE)
        maps.moving.delete_batch(slots)


def restore_namespaces(
    overlay: Overlay, maps: OverlayMaps, store: NamespaceStore, damage: OverlayDamage
) -> None:
    """Restore the compute hosts and the tenants' namespaces in `damage`, with programs that use `maps`."""
    if not (damage.hosts or damage.tenants):
        return
    with load_programs(maps) as programs:
        writer = HostMessages(overlay, programs)
        for tenant, found in damage.tenants.items():
            restore_tenant(overlay, writer, store, tenant, found)
        for node, found in damage.hosts.items():
            lost = [one.device for one in overlay.members_of(node) if one.device not in found.devices]
            wanted = without_devices(host_items(overlay, overlay.hosts[node]), lost)
            batch = Batch()
            for tenant in overlay.tenants_of(node):
                if not found.devices.get(tenant.device):
                    batch.add(messages.link_up(tenant.device), "bring up a device of", tenant.file)
            writer.change(batch, found.items, wanted, host_name(overlay, node))
            run_there(store, host_name(overlay, node), batch)
            segment_udp([socket.if_indextoname(overlay.hosts[node].uplink)])


def restore_hosts(
    overlay: Overlay,
    up: npt.NDArray[np.bool_],
    maps: OverlayMaps,
    store: NamespaceStore,
    hosts: Iterable[int],
) -> None:
    """Restore what compute hosts lost with their uplinks. Call inside the store's mount namespace.

    The kernel drops routes and neighbours when an uplink goes down, and programs when it is deleted. A host
    whose uplink is down still is left as it is.
    """
    damage = OverlayDamage()
    survey = OverlaySurvey(overlay, up, store)
    survey.use(maps)
    survey.look_at_namespaces(damage, hosts)
    for node, found in list(damage.hosts.items()):
        if not found.devices.get(overlay.hosts[node].uplink):
            del damage.hosts[node]
    restore_namespaces(overlay, maps, store, damage)


def restore_tenant(
    overlay: Overlay, writer: HostMessages, store: NamespaceStore, tenant: Tenant, found: FoundItems
) -> None:
    """Restore a tenant's namespace, with its device; the host's end of it is new if it was missing."""
    host, name = overlay.hosts[tenant.host], tenant_name(overlay, tenant)
    store.make(tenant.file)
    if TENANT_DEVICE in found.devices:
        batch = Batch()
        for index in (messages.LOOPBACK, TENANT_DEVICE):
            batch.add(messages.link_up(index), "bring up a device of", name)
        writer.change(batch, found.items, tenant_items(overlay, tenant), name)
    else:
        namespace = store.open(host_name(overlay, tenant.host))
        try:
            batch = writer.tenant(tenant, host, namespace)
            store.go(tenant.file)
            with Netlink() as netlink:
                netlink.run(batch, ignore=THERE)
        finally:
            os.close(namespace)
        return
    run_there(store, tenant.file, batch)


def run_there(store: NamespaceStore, file: str, batch: Batch) -> None:
    """Enter a namespace and send a batch there; what is there or gone already is no error."""
    store.go(file)
    if batch:
        with Netlink() as netlink:
            netlink.run(batch, ignore=THERE)
