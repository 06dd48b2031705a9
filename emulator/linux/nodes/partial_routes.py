"""Routes of a node some of whose ports are down, or gone.

The kernel takes a route over several hops only if each of its gateways can be reached, so while a
port is down none of the routes over it can be given back as a whole. They are given over the hops
that are left, as the kernel itself leaves them when a port goes down under them; the whole route
replaces them when the port is back. Who brings up the last port therefore gives the whole routes, in
whatever order ports come and go, and also when several threads do so at once: each looks again
after it has written, so that the last one to write has seen what is.
"""

from __future__ import annotations

import errno
import struct
import time
from collections.abc import Container

from emulator.errors import KernelError
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.settings_messages import ROUTE, add_route, hops_of
from emulator.plan_part import PlanPart

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENODEV, errno.EINVAL})
"""Also EINVAL, "Invalid prefsrc address": of a node that another thread is making at this moment."""
_INDEX_AND_FLAGS = struct.Struct("=4xiI")
_LOWER_UP = 0x10000
"""IFF_LOWER_UP: the other end is up as well. IPv6 wants it of a gateway's port, IPv4 doesn't."""
_PATIENCE = 1.0
_PAUSE = 0.002


def unreachable(error: KernelError) -> bool:
    """Return whether `error` is that of a route over a port that is down, gone, or not there yet."""
    return error.op == ROUTE and error.errno in _UNREACHABLE


def run_partly(
    netlink: Netlink, part: PlanPart, node: int, batch: Batch, ignore: Container[object] = ()
) -> None:
    """Run `batch` of `node`; routes that it can't have as a whole are given over the hops that are up.

    Raises the first other error whose errno isn't in `ignore`.
    """
    errors = netlink.try_run(batch)
    if not errors:
        return
    for error in errors:
        if error.errno not in ignore and not unreachable(error):
            raise error
    if any(map(unreachable, errors)):
        give_routes(netlink, part, node)


def give_routes(netlink: Netlink, part: PlanPart, node: int) -> None:
    """Set all routes of `node`, over those hops whose ports are up.

    `netlink` is a socket in the node's namespace. KernelError when the kernel refuses one for a second.
    """
    end = time.monotonic() + _PATIENCE
    there = _flags(netlink)
    while True:
        errors = netlink.try_run(_partly(part, node, there))
        now = _flags(netlink)
        if now == there:
            if not errors:
                return
            if time.monotonic() > end:
                raise errors[0]
            time.sleep(_PAUSE)  # IPv6 hears of a carrier a moment after it is there
        there = now


def _partly(part: PlanPart, node: int, flags: dict[int, int]) -> Batch:
    batch = Batch()
    name, index_of = part.topology.names[node], part.indices.at(node)
    for route in part.forwarding.routes(node):
        needed = messages.IFF_UP | (_LOWER_UP if len(route.packed) == 16 else 0)
        left = [hop for hop in hops_of(route, index_of) if flags.get(hop[0], 0) & needed == needed]
        if left:
            add_route(batch, route, name, left)
    return batch


def _flags(netlink: Netlink) -> dict[int, int]:
    """Return the flags of each interface that the namespace has."""
    needed = messages.IFF_UP | _LOWER_UP
    found = (_INDEX_AND_FLAGS.unpack_from(body) for _, body in netlink.dump(messages.link_dump()))
    return {index: flags & needed for index, flags in found}
