"""Read from the kernel which items of light ports a namespace has."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from emulator.linux.netlink import anyip_messages, dumps, messages
from emulator.linux.netlink.dumps import Dumping
from emulator.linux.observed import parse
from emulator.linux.overlay.find import attached_programs
from emulator.linux.overlay.items import (
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
)

_INDEX_AND_FLAGS = struct.Struct("=4xiI")


@dataclass
class FoundItems:
    """Items of a namespace, and its devices by index: whether each is up."""

    items: set[Item] = field(default_factory=set)
    devices: dict[int, bool] = field(default_factory=dict)


def read_items(netlink: Dumping, devices: Iterable[int], belongs: Callable[[int], bool]) -> FoundItems:
    """Return the items of the namespace of `netlink`; programs are looked for on `devices` (indices).

    `belongs(program id)` tells whether a program is one of this network. Raises KernelError.
    """
    found = FoundItems()
    for _, body in netlink.dump(dumps.LINKS):
        index, flags = _INDEX_AND_FLAGS.unpack_from(body)
        found.devices[index] = bool(flags & messages.IFF_UP)
        if anyip_messages.read_any_address(body):
            found.items.add(AnyAddress(index))
    for index in found.devices.keys() & set(devices):
        for one in attached_programs(netlink, index):
            found.items.add(FilterPlace(index))
            if belongs(one.program):
                found.items.add(Filter(index, one.direction, one.name))
    _read_addresses(netlink, found.items)
    return found


def _read_addresses(netlink: Dumping, items: set[Item]) -> None:
    """Add the routes, rules and neighbours."""
    for _, body in netlink.dump(dumps.ROUTES[messages.AF_INET]):
        route = anyip_messages.read_route(body)
        if route is not None and route.local:
            items.add(LocalNetwork(route.device, (route.packed, route.length)))
        elif route is not None and route.dead:
            items.add(NoWayOut())
        elif route is not None:
            items.add(WayOut(route.device, (route.packed, route.length), route.source, route.mtu))
    for _, body in netlink.dump(dumps.RULES[messages.AF_INET]):
        rule = anyip_messages.read_rule(body)
        if rule is not None and rule.priority == anyip_messages.OUT_RULE:
            items.add(OutRule((rule.packed, rule.length)))
        elif rule is not None:
            items.add(LocalRule(rule.priority))
    for _, body in netlink.dump(dumps.NEIGHBOURS):
        entry = parse.neighbour(body)
        if entry is not None and entry == (
            (entry[0][0], anyip_messages.NEXT_HOP),
            anyip_messages.NEXT_HOP_MAC,
        ):
            items.add(NextHop(entry[0][0]))
