"""Create the light ports of a plan, once its full nodes exist."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from emulator.errors import RefusedError
from emulator.linux.machine.udp_segmentation import segment_udp
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.linux.overlay.host_messages import HostMessages
from emulator.linux.overlay.maps import DEVICE, PEER, SLOT, VTEP, OverlayMaps
from emulator.linux.overlay.port_table import PortTable, capacity
from emulator.linux.overlay.programs import Programs, load_programs
from emulator.network import Progress
from emulator.overlay.plan import ComputeHost, Overlay, Tenant

_ROOM = 4
"""Factor by which maps of hosts and VPCs are larger than needed at first: they can't grow."""
_MANY_SPACES = 0xFFFFFFFF
"""Address space of an uplink whose host has several: no program looks a port up by it."""
_LEAST = 1024


def create_ports(
    overlay: Overlay, up: npt.NDArray[np.bool_], store: NamespaceStore, progress: Progress
) -> None:
    """Create all light ports; `up` (bool[k]) tells which are up. Call inside the store's mount namespace.

    Leaves this thread in a compute host's namespace. Raises KernelError, without a rollback. Nothing but the
    devices keeps programs and maps: they go with the namespaces.
    """
    pages = capacity(overlay) // 64
    hosts, tenants = list(overlay.hosts.values()), overlay.tenants
    devices = max(_LEAST, _ROOM * (len(hosts) + len(tenants)))
    vnis = max(_LEAST, _ROOM * len(overlay.ports.vpcs.names))
    maps = OverlayMaps.create(capacity(overlay), pages, devices, vnis=vnis)
    try:
        fill(maps, overlay, up)
        progress("ports", len(overlay.ports), len(overlay.ports))
        with load_programs(maps) as programs:
            prepare_hosts(overlay, programs, hosts, store, progress)
    finally:
        maps.close()


def fill(maps: OverlayMaps, overlay: Overlay, up: npt.NDArray[np.bool_]) -> None:
    """Write everything into empty maps: ports, hosts, VPCs."""
    write_hosts(maps, overlay, overlay.hosts.values(), overlay.tenants)
    write_vpcs(maps, overlay)
    table = PortTable(maps)
    try:
        table.add_pages(overlay)
    except OverflowError as error:  # `capacity` counted the same pages
        raise RefusedError([f"the ports don't fit: {error}"]) from error
    table.write(overlay, slice(None), up)


def write_vpcs(maps: OverlayMaps, overlay: Overlay) -> None:
    """Write the address space of each VPC's network identifier."""
    vpcs = overlay.ports.vpcs
    vnis = np.arange(1, len(vpcs.names) + 1, dtype=SLOT)
    maps.vnis.update_batch(vnis, vpcs.spaces.astype(SLOT))


def write_hosts(
    maps: OverlayMaps, overlay: Overlay, hosts: Iterable[ComputeHost], tenants: Iterable[Tenant]
) -> None:
    """Write compute hosts with their uplinks, and the devices of tenants' namespaces."""
    each = list(hosts)
    rows = [(host, host.uplink, overlay.spaces_of_host[host.node]) for host in each]
    rows += [(overlay.hosts[one.host], one.device, one.space) for one in tenants]
    found = np.zeros(len(rows), dtype=DEVICE)
    for row, (host, _, space) in enumerate(rows):
        mask = (0xFFFFFFFF << (32 - host.length)) & 0xFFFFFFFF
        found[row] = (
            space if space >= 0 else _MANY_SPACES, host.vtep, host.uplink, mask, tuple(host.mac),
            tuple(host.gateway or bytes(6)),
        )  # fmt: skip
    maps.devices.update_batch(np.array([index for _, index, _ in rows], dtype=SLOT), found)
    peers = np.zeros(len(each), dtype=PEER)
    for row, host in enumerate(each):
        peers[row]["mac"] = tuple(host.mac)
    maps.peers.update_batch(np.array([host.vtep for host in each], dtype=VTEP), peers)


def prepare_hosts(
    overlay: Overlay, programs: Programs, hosts: Iterable[ComputeHost], store: NamespaceStore,
    progress: Progress,
) -> None:  # fmt: skip
    """Attach the programs in compute hosts, and create the namespaces of their tenants."""
    writer, names = HostMessages(overlay, programs), overlay.underlay.names
    each = list(hosts)
    for done, host in enumerate(each):
        if done % 64 == 0:
            progress("hosts", done, len(each))
        file = names[host.node]
        tenants = overlay.tenants_of(host.node)
        namespace = store.open(file) if tenants else -1
        try:
            for tenant in tenants:
                store.make(tenant.file)
                with Netlink() as netlink:
                    netlink.run(writer.tenant(tenant, host, namespace))
        finally:
            if namespace >= 0:
                os.close(namespace)
        store.go(file)
        with Netlink() as netlink:
            netlink.run(writer.host(host))
        segment_udp([socket.if_indextoname(host.uplink)])
    progress("hosts", len(each), len(each))
