"""Netlink messages that make a compute host, or a tenant's namespace on it, carry light ports."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from emulator.linux.netlink import anyip_messages, messages
from emulator.linux.netlink.bpf_filter import bpf_filter, bpf_filter_delete, clsact, clsact_delete
from emulator.linux.netlink.connection import Batch
from emulator.linux.overlay.items import (
    FROM_DEVICE,
    FROM_STACK,
    FROM_WIRE,
    TENANT_DEVICE,
    TENANT_INTERFACE,
    UNTOUCHED,
    AnyAddress,
    Filter,
    FilterPlace,
    Item,
    LocalNetwork,
    LocalRule,
    NextHop,
    NoWayOut,
    OutRule,
    WayOut,
    host_items,
    tenant_items,
    without_devices,
)
from emulator.linux.overlay.programs import Programs
from emulator.overlay.plan import ComputeHost, Overlay, Tenant


class HostMessages:
    """Writes the batches of an overlay's namespaces; errors name the node."""

    def __init__(self, overlay: Overlay, programs: Programs) -> None:
        self._overlay = overlay
        self._descriptors = {
            FROM_STACK: programs.from_stack,
            FROM_DEVICE: programs.from_device,
            FROM_WIRE: programs.from_wire,
        }

    def host(self, host: ComputeHost, absent: Collection[int] = ()) -> Batch:
        """Return the batch for a new compute host, sent in its namespace once its tenants' devices exist.

        `absent` are devices of members that don't exist now.
        """
        batch = Batch()
        items = without_devices(host_items(self._overlay, host), absent)
        self.change(batch, UNTOUCHED, items, host_name(self._overlay, host.node))
        return batch

    def tenant(self, tenant: Tenant, host: ComputeHost, namespace: int) -> Batch:
        """Return the batch for a new tenant's namespace, sent inside.

        `namespace` is the descriptor of its host's.
        """
        batch, name = Batch(), tenant_name(self._overlay, tenant)
        batch.add(messages.link_up(messages.LOOPBACK), "bring up lo of", name)
        made = messages.veth(
            f"space{tenant.space}".encode(), tenant.device, _mac(tenant, 0), namespace, 0, up=True,
            peer_name=TENANT_INTERFACE.encode(), peer_index=TENANT_DEVICE, peer_mac=_mac(tenant, 1),
            mtu=host.mtu,
        )  # fmt: skip
        batch.add(made, "make the device of", name)
        batch.add(messages.no_link_local(TENANT_DEVICE), "quieten", name)
        batch.add(messages.link_up(TENANT_DEVICE), "bring up the device of", name)
        self.change(batch, UNTOUCHED, tenant_items(self._overlay, tenant), name)
        return batch

    def change(self, batch: Batch, before: Collection[Item], after: Sequence[Item], name: str) -> None:
        """Append what leads from the items `before` to those `after`.

        Nothing that stays is touched, and what comes is there before what it replaces goes, where the kernel
        allows both at once.
        """
        had, wanted = frozenset(before), frozenset(after)
        new = [item for item in after if item not in had]
        taken = {_key(item) for item in new}
        gone = sorted((item for item in had if item not in wanted), key=_removal_order)
        for item in gone:
            if _key(item) in taken and not isinstance(item, Filter):
                self._remove(batch, item, name)
        for item in new:
            self._add(batch, item, name)
        for item in gone:
            if _key(item) not in taken:
                self._remove(batch, item, name)

    def _add(self, batch: Batch, item: Item, name: str) -> None:
        match item:
            case FilterPlace(index):
                made = clsact(index)
            case Filter(index, direction, program):
                made = bpf_filter(index, direction, self._descriptors[program], program, replace=True)
            case AnyAddress(index):
                made = anyip_messages.accept_any(index)
            case NextHop(index):
                made = messages.neighbour(index, anyip_messages.NEXT_HOP, anyip_messages.NEXT_HOP_MAC)
            case LocalNetwork(index, (packed, length)):
                made = anyip_messages.local_network(index, packed, length)
            case WayOut(index, (packed, length), source, mtu):
                made = anyip_messages.way_out(index, packed, length, source, mtu)
            case NoWayOut():
                made = anyip_messages.no_way_out()
            case OutRule((packed, length)):
                made = anyip_messages.rule_out(packed, length)
            case LocalRule(priority):
                made = anyip_messages.local_rule(priority)
        batch.add(made, f"add {item} in", name)

    def _remove(self, batch: Batch, item: Item, name: str) -> None:
        match item:
            case FilterPlace(index):
                made = clsact_delete(index)
            case Filter(index, direction, _):
                made = bpf_filter_delete(index, direction)
            case NextHop(index):
                made = messages.neighbour_delete(index, anyip_messages.NEXT_HOP)
            case LocalNetwork(index, (packed, length)):
                made = anyip_messages.local_network(index, packed, length, delete=True)
            case WayOut(index, (packed, length), source, mtu):
                made = anyip_messages.way_out(index, packed, length, source, mtu, delete=True)
            case NoWayOut():
                made = anyip_messages.no_way_out(delete=True)
            case OutRule((packed, length)):
                made = anyip_messages.rule_out(packed, length, delete=True)
            case LocalRule(priority):
                made = anyip_messages.local_rule(priority, delete=True)
            case AnyAddress(index):
                made = anyip_messages.accept_any(index, on=False)
        batch.add(made, f"remove {item} in", name)


def host_name(overlay: Overlay, node: int) -> str:
    """Return the name of a compute host."""
    return overlay.underlay.names[node]


def tenant_name(overlay: Overlay, tenant: Tenant) -> str:
    """Return words for a tenant's namespace."""
    return f"{overlay.underlay.names[tenant.host]}, address space {tenant.space}"


_REMOVED_FIRST = (
    OutRule,
    WayOut,
    NoWayOut,
    LocalNetwork,
    NextHop,
    Filter,
    FilterPlace,
    AnyAddress,
    LocalRule,
)


def _removal_order(item: Item) -> tuple[int, str]:
    return _REMOVED_FIRST.index(type(item)), str(item)


def _key(item: Item) -> tuple[object, ...]:
    """Return what two items can't both have in a namespace."""
    match item:
        case LocalNetwork(_, network) | WayOut(_, network, _, _):
            return type(item), network
        case Filter(index, direction, _):
            return Filter, index, direction
    return type(item), item


def _mac(tenant: Tenant, end: int) -> bytes:
    """Return the MAC of one end of a tenant's device: it is seen by nobody but the two ends."""
    return bytes((0x0A, end)) + tenant.device.to_bytes(4)
