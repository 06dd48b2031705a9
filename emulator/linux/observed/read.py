"""Read the state of one namespace from the kernel by a few netlink dumps, without a process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from emulator.errors import KernelError
from emulator.linux.netlink import dumps, messages
from emulator.linux.netlink.connection import Netlink
from emulator.linux.netlink.dumps import Dumping
from emulator.linux.observed import parse

Reader = Callable[[Dumping], None]
"""Called to read a namespace."""


class DumpSelection(NamedTuple):
    """Dumps to request besides interfaces and queues: each costs a system call and its answer."""

    layer3: bool = True
    ipv6: bool = False
    neighbours: bool = False
    forwarding: bool = False


def read_namespace(netlink: Dumping, selection: DumpSelection) -> parse.Found:
    """Return the state of the namespace of `netlink`; KernelError if the kernel refuses a dump."""
    found = parse.Found()
    found.interfaces = dict(parse.interface(body) for _, body in netlink.dump(dumps.LINKS))
    queues: dict[int, set[parse.Queue]] = {}
    for _, body in netlink.dump(dumps.QUEUES):
        if (queue := parse.queue(body)) is not None:
            queues.setdefault(queue[0], set()).add(queue[1])
    found.queues = {index: frozenset(own) for index, own in queues.items()}
    if not selection.layer3:
        return found
    found.addresses = {parse.address(body) for _, body in netlink.dump(dumps.ADDRESSES)}
    families = (messages.AF_INET, messages.AF_INET6) if selection.ipv6 else (messages.AF_INET,)
    for family in families:
        for _, body in netlink.dump(dumps.ROUTES[family]):
            _take_route(found, parse.route(body))
        if selection.forwarding:
            _take_forwarding(found, family, netlink)
        with suppress(KernelError):  # a kernel without policy routing has no rules
            rules = map(parse.rule, (body for _, body in netlink.dump(dumps.RULES[family])))
            found.rules[family] = {rule for rule in rules if rule is not None}
    if selection.neighbours:
        entries = (parse.neighbour(body) for _, body in netlink.dump(dumps.NEIGHBOURS))
        found.neighbours = dict(entry for entry in entries if entry is not None)
    return found


def read_here(selection: DumpSelection, also: Reader | None = None) -> parse.Found:
    """Return the state of this thread's namespace; `also` reads from the same dumps."""
    with Netlink() as netlink:
        shared = dumps.Dumps(netlink)
        found = read_namespace(shared, selection)
        if also is not None:
            also(shared)
        return found


def _take_forwarding(found: parse.Found, family: int, netlink: Dumping) -> None:
    for _, body in netlink.dump(dumps.FORWARDS[family]):
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
