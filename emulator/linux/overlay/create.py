"""Create the light ports of a plan, once its full nodes exist."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

from emulator.errors import RefusedError
from emulator.linux.machine.udp_segmentation import segment_udp
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.linux.overlay.host_messages import HostMessages
from emulator.linux.overlay.host_table import write_hosts
from emulator.linux.overlay.maps import PAGE, OverlayMaps
from emulator.linux.overlay.port_table import PortTable, capacity
from emulator.linux.overlay.programs import Programs, load_programs
from emulator.network import Progress
from emulator.overlay.plan import ComputeHost, Overlay

_ROOM = 4
"""Factor by which maps of hosts and VPCs are larger than needed at first: they can't grow."""
_LEAST = 1024


def create_ports(
    overlay: Overlay, up: npt.NDArray[np.bool_], store: NamespaceStore, progress: Progress
) -> None:
    """Create all light ports; `up` (bool[k]) tells which are up. Call inside the store's mount namespace.

    Leaves this thread in a compute host's namespace. Raises KernelError, without a rollback. Nothing but the
    devices keeps programs and maps: they go with the namespaces.
    """
    maps = make_maps(overlay)
    try:
        fill(maps, overlay, up)
        progress("ports", len(overlay.ports), len(overlay.ports))
        with load_programs(maps) as programs:
            prepare_hosts(overlay, programs, overlay.hosts_here.values(), store, progress)
    finally:
        maps.close()


def make_maps(overlay: Overlay) -> OverlayMaps:
    """Return empty maps with room for a network several times as large."""
    pages = capacity(overlay) // PAGE
    devices = max(_LEAST, _ROOM * (len(overlay.hosts) + len(overlay.tenants) + len(overlay.members)))
    vnis = max(_LEAST, _ROOM * len(overlay.ports.vpcs.names))
    return OverlayMaps.create(pages * PAGE, pages, devices, vnis=vnis)


def fill(maps: OverlayMaps, overlay: Overlay, up: npt.NDArray[np.bool_]) -> None:
    """Write everything into empty maps: ports, hosts, VPCs."""
    write_hosts(maps, overlay)
    table = PortTable(maps)
    try:
        table.add_pages(overlay)
    except OverflowError as error:  # `capacity` counted the same pages
        raise RefusedError([f"the ports don't fit: {error}"]) from error
    table.write(overlay, slice(None), up)


def prepare_hosts(
    overlay: Overlay, programs: Programs, hosts: Iterable[ComputeHost], store: NamespaceStore,
    progress: Progress, *, absent: Collection[int] = (),
) -> None:  # fmt: skip
    """Attach the programs in compute hosts, and create the namespaces of their tenants.

    `absent` are devices of members that don't exist now.
    """
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
            netlink.run(writer.host(host, absent))
        segment_udp([socket.if_indextoname(host.uplink)])
    progress("hosts", len(each), len(each))
