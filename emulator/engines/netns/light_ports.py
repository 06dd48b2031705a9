"""Light ports of a running network: their state, and their migration between compute hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.overlay.devices.network import DeviceNetwork
from emulator.linux.overlay.devices.port_changes import PortChanges, TenantSockets
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import place, split_place
from emulator.linux.overlay.port_table import PortTable
from emulator.overlay.migration import destination
from emulator.overlay.plan import Overlay
from emulator.plan import Plan
from emulator.tasks import PORT_COUNTERS


@contextmanager
def port_table(overlay: Overlay, store: NamespaceStore) -> Iterator[PortTable]:
    """Open the ports of a running network; MissingError when nothing leads to them any more."""
    with open_maps(overlay, store) as maps:
        yield PortTable(maps)


def describe_port(plan: Plan, node: int, store: NamespaceStore) -> Mapping[str, Any]:
    """Return the state of a light port as JSON data: VPC, address, MAC, compute host, up, counters."""
    overlay, topology = plan.overlay, plan.topology
    assert overlay is not None  # noqa: S101 -- the caller has a light node
    ports, row = overlay.ports, node - overlay.ports.first
    subnet = ports.vpcs.subnets[int(ports.subnet[row])]
    out: dict[str, Any] = {
        "vpc": ports.vpcs.names[subnet.vpc],
        "vni": ports.vpcs.vni(subnet.vpc),
        "address": f"{plan.forwarding.addresses(node)[0].text}/{subnet.length}",
        "mac": ports.mac[row].tobytes().hex(":"),
        "host": topology.names[int(ports.host[row])],
        "namespace": plan.namespaces.file(node),
    }
    if ports.devices:
        with store.entered():
            out["state"], found = DeviceNetwork(overlay, plan.ports_up, store).state(row)
        if found:
            out["moved"] = False
            out["counters"] = dict(zip(PORT_COUNTERS, found, strict=True))
        return out
    with port_table(overlay, store) as table:
        slots = table.slots(overlay, np.array([row]))
        exists = bool(table.exists(slots)[0])
        out["state"] = "missing" if not exists else "up" if table.is_up(slots)[0] else "down"
        if exists:
            found = table.read(slots)[0]
            (device,), _ = split_place(found["place"])
            out["moved"] = int(device) != int(overlay.device[row])
            out["counters"] = {name: int(found[name]) for name in PORT_COUNTERS}
    return out


def check_destination(plan: Plan, row: int, host: int) -> tuple[int, int]:
    """Return the device and the vtep of a port's new place; raises as `destination` does."""
    overlay = plan.whole_overlay
    assert overlay is not None  # noqa: S101 -- it has a port
    return destination(overlay, row, host)


def migrate_port(old: Plan, new: Plan, node: int, store: NamespaceStore) -> None:
    """Move a running port from its place in `old` to that in `new`; nothing under way is lost."""
    before, after = old.overlay, new.overlay
    assert before is not None  # noqa: S101 -- the caller has a light node
    assert after is not None  # noqa: S101
    row = node - before.ports.first
    if before.ports.devices:
        with store.entered(), TenantSockets(store) as sockets:
            changes = PortChanges(before, sockets)
            seats = changes.seat(row), PortChanges(after, sockets).seat(row)
            changes.move(*seats, up=bool(old.ports_up[row]))
        return
    device, vtep = check_destination(old, row, int(after.ports.host[row]))
    with port_table(before, store) as table:
        table.move(table.slots(before, np.array([row])), np.atleast_1d(place(device, vtep)))
