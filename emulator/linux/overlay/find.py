"""Find the data path of a running network: its programs by the devices of compute hosts, its maps by them.

Nothing is pinned and no number is recorded: what runs is the only truth, also after another command was
killed. Every program keeps all maps, so any device that has one leads to all ports.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.errors import BrokenError, KernelError, MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.bpf_filter import (
    EGRESS,
    INGRESS,
    AttachedProgram,
    bpf_filter_dump,
    read_bpf_filters,
)
from emulator.linux.netlink.connection import Netlink
from emulator.linux.netlink.dumps import Dumping
from emulator.linux.overlay.items import FROM_WIRE
from emulator.linux.overlay.maps import OverlayMaps
from emulator.overlay.plan import ComputeHost, Overlay


def attached_programs(netlink: Dumping, index: int) -> list[AttachedProgram]:
    """Return the programs of device `index` in the namespace of `netlink`; none where there is no device."""
    found: list[AttachedProgram] = []
    for direction in (INGRESS, EGRESS):
        try:
            found += read_bpf_filters(netlink.dump(bpf_filter_dump(index, direction)))
        except KernelError:  # no such device, or it has no place for filters
            continue
    return found


def open_maps(overlay: Overlay, store: NamespaceStore) -> OverlayMaps:
    """Open the maps of the network that runs with this overlay; the caller closes them.

    Raises MissingError when no compute host is left that leads to them.
    """
    with store.entered():
        for host in overlay.hosts_here.values():
            maps = _maps_at(overlay, host, store)
            if maps is not None:
                return maps
    raise MissingError(
        f"no compute host has the programs of its light ports any more; "
        f"`emulator down {overlay.underlay.name}` removes what is left"
    )


def _maps_at(overlay: Overlay, host: ComputeHost, store: NamespaceStore) -> OverlayMaps | None:
    """Return the maps to which a compute host leads, None when it is gone or has lost its programs."""
    try:
        store.go(overlay.underlay.names[host.node])
    except MissingError:
        return None
    with Netlink() as netlink:
        return maps_of(attached_programs(netlink, host.uplink))


def maps_of(programs: Iterable[AttachedProgram]) -> OverlayMaps | None:
    """Return the maps of the first of `programs` that is the data path's, None without one."""
    for program in programs:
        if program.name == FROM_WIRE:
            try:
                return OverlayMaps.reopen(program.program)
            except (BrokenError, KernelError):  # somebody else's program of this name, or gone meanwhile
                continue
    return None
