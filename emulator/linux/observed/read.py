"""Read the state of one namespace from the kernel by a few netlink dumps, without a process."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import NamedTuple

from emulator.errors import KernelError
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import NLM_F_DUMP, NLM_F_REQUEST, Netlink
from emulator.linux.observed import parse

_RTM_GETADDR, _RTM_GETROUTE, _RTM_GETNEIGH, _RTM_GETRULE = 22, 26, 30, 34
_RTM_GETQDISC, _RTM_GETNETCONF = 38, 82
_IFLA_EXT_MASK, _SKIP_STATISTICS = 29, 8
_DUMP = NLM_F_REQUEST | NLM_F_DUMP

_LINKS = messages.message(
    messages.RTM_GETLINK, _DUMP, messages.link_body(0) + messages.u32(_IFLA_EXT_MASK, _SKIP_STATISTICS)
)
_ADDRESSES = messages.message(_RTM_GETADDR, _DUMP, bytes(8))
_QUEUES = messages.message(_RTM_GETQDISC, _DUMP, bytes(20))
_NEIGHBOURS = messages.message(_RTM_GETNEIGH, _DUMP, bytes(12))


def _of_family(kind: int, family: int, size: int) -> bytes:
    return messages.message(kind, _DUMP, struct.pack("=B", family) + bytes(size - 1))


_ROUTES = {family: _of_family(_RTM_GETROUTE, family, 12) for family in (messages.AF_INET, messages.AF_INET6)}
_FORWARDS = {
    family: _of_family(_RTM_GETNETCONF, family, 4) for family in (messages.AF_INET, messages.AF_INET6)
}


_RULES = {family: _of_family(_RTM_GETRULE, family, 12) for family in (messages.AF_INET, messages.AF_INET6)}


class DumpSelection(NamedTuple):
    """Dumps to request besides interfaces and queues: each costs a system call and its answer."""

    layer3: bool = True
    ipv6: bool = False
    neighbours: bool = False
    forwarding: bool = False


def read_namespace(netlink: Netlink, selection: DumpSelection) -> parse.Found:
    """Return the state of the namespace of the socket `netlink`; KernelError if the kernel refuses a dump."""
    found = parse.Found()
    found.interfaces = dict(parse.interface(body) for _, body in netlink.dump(_LINKS))
    queues: dict[int, set[parse.Queue]] = {}
    for _, body in netlink.dump(_QUEUES):
        if (queue := parse.queue(body)) is not None:
            queues.setdefault(queue[0], set()).add(queue[1])
    found.queues = {index: frozenset(own) for index, own in queues.items()}
    if not selection.layer3:
        return found
    found.addresses = {parse.address(body) for _, body in netlink.dump(_ADDRESSES)}
    families = (messages.AF_INET, messages.AF_INET6) if selection.ipv6 else (messages.AF_INET,)
    for family in families:
        for _, body in netlink.dump(_ROUTES[family]):
            _take_route(found, parse.route(body))
        if selection.forwarding:
            _take_forwarding(found, family, netlink)
        with suppress(KernelError):  # a kernel without policy routing has no rules
            rules = map(parse.rule, (body for _, body in netlink.dump(_RULES[family])))
            found.rules[family] = {rule for rule in rules if rule is not None}
    if selection.neighbours:
        entries = (parse.neighbour(body) for _, body in netlink.dump(_NEIGHBOURS))
        found.neighbours = dict(entry for entry in entries if entry is not None)
    return found


def read_here(selection: DumpSelection) -> parse.Found:
    """Return the state of this thread's namespace."""
    with Netlink() as netlink:
        return read_namespace(netlink, selection)


def _take_forwarding(found: parse.Found, family: int, netlink: Netlink) -> None:
    for _, body in netlink.dump(_FORWARDS[family]):
        if (forwards := parse.forwards(body)) is not None:
            index, on = forwards
            if index == parse.ALL:
                found.forwards[family] = on
            elif index > 0 and not on:
                found.not_forwarding.setdefault(family, set()).add(index)


def _take_route(found: parse.Found, route: parse.FoundRoute | None) -> None:
    if route is None:
        return
    if route.by_kernel:
        found.connected.update((route.prefix, route.length, index) for index, _ in route.hops)
    else:
        found.routes.setdefault((route.prefix, route.length), []).append(route)
