"""Netlink messages that lead the namespace of a VPC from one list of items to another."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from emulator.linux.netlink import anyip_messages, device_messages, messages
from emulator.linux.netlink.connection import Batch
from emulator.linux.overlay.devices.items import (
    FarMac,
    FarNeighbour,
    Item,
    PortAddress,
    PortDevice,
    PortRoute,
    PortRule,
    PortUp,
)
from emulator.linux.overlay.items import TENANT_DEVICE, AnyAddress, LocalRule

_REMOVED_FIRST = (
    PortRoute,
    PortUp,
    PortRule,
    PortAddress,
    AnyAddress,
    PortDevice,
    FarNeighbour,
    FarMac,
    LocalRule,
)


def change(batch: Batch, before: Collection[Item], after: Sequence[Item], name: str) -> None:
    """Append what leads from the items `before` to those `after`; errors name the namespace `name`.

    A macvlan that is made again takes its address, routes and state along. Nothing that stays is touched.
    """
    had, wanted = frozenset(before), frozenset(after)
    again = {item.index for item in had - wanted if isinstance(item, PortDevice)}
    of_again = {item for item in had if not isinstance(item, PortRule) and getattr(item, "index", 0) in again}
    for item in sorted(had - wanted, key=_removal_order):
        if item not in of_again or isinstance(item, PortDevice):
            batch.add(_removed(item), f"remove {item} in", name)
    for item in after:
        if item not in had or item in of_again:
            for made in _added(item):
                batch.add(made, f"add {item} in", name)


def _added(item: Item) -> tuple[bytes, ...]:
    match item:
        case FarMac(mac, vtep):
            return (device_messages.far_mac(TENANT_DEVICE, mac, vtep),)
        case FarNeighbour(address, mac):
            return (messages.neighbour(TENANT_DEVICE, address, mac),)
        case PortDevice(index, name, mac, mtu):
            made = device_messages.port_device(name.encode(), index, mac, TENANT_DEVICE, mtu)
            return (made,) if mtu < _LEAST_IPV6 else (made, messages.no_link_local(index))
        case AnyAddress(index):
            return (anyip_messages.accept_any(index),)
        case PortAddress(index, address):
            return (messages.address(index, address, 32),)
        case PortRule(index, address):
            return (device_messages.own_rule(index, address),)
        case PortUp(index):
            return (messages.link_up(index),)
        case PortRoute(index, (packed, length), source):
            return (device_messages.own_route(index, packed, length, source),)
        case LocalRule(priority):
            return (anyip_messages.local_rule(priority),)


_LEAST_IPV6 = 1280


def _removed(item: Item) -> bytes:
    match item:
        case FarMac(mac, vtep):
            return device_messages.far_mac(TENANT_DEVICE, mac, vtep, delete=True)
        case FarNeighbour(address, _):
            return messages.neighbour_delete(TENANT_DEVICE, address)
        case PortDevice(index, _, _, _):
            return messages.link_delete(index)
        case AnyAddress(index):
            return anyip_messages.accept_any(index, on=False)
        case PortAddress(index, address):
            return messages.address(index, address, 32, delete=True)
        case PortRule(index, address):
            return device_messages.own_rule(index, address, delete=True)
        case PortUp(index):
            return messages.link_up(index, up=False)
        case PortRoute(index, (packed, length), source):
            return device_messages.own_route(index, packed, length, source, delete=True)
        case LocalRule(priority):
            return anyip_messages.local_rule(priority, delete=True)


def _removal_order(item: Item) -> tuple[int, str]:
    return _REMOVED_FIRST.index(type(item)), str(item)
