"""Routes of a node while some of its ports are down or gone.

The kernel accepts a route over several hops only if each gateway is reachable. While a port is down, no
route over it can be restored completely. It is added over the remaining hops, as the kernel itself does when
a port goes down. The complete route replaces it when the port is back. So the thread that brings up the last
port adds the complete routes, in any order of port changes. This also works for concurrent threads: each
checks the ports again after writing, so the last writer has seen the final state.
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
"""Includes EINVAL, "Invalid prefsrc address": another thread is creating the node at this moment."""
_INDEX_AND_FLAGS = struct.Struct("=4xiI")
_LOWER_UP = 0x10000
"""IFF_LOWER_UP: the other end is up as well. IPv6 requires it for a gateway's port, IPv4 doesn't."""
_PATIENCE = 1.0
_PAUSE = 0.002


def unreachable(error: KernelError) -> bool:
    """Return whether `error` means that a route's port is down, gone, or not created yet."""
    return error.op == ROUTE and error.errno in _UNREACHABLE


def run_partly(
    netlink: Netlink, part: PlanPart, node: int, batch: Batch, ignore: Container[object] = ()
) -> None:
    """Run `batch` of `node`; routes that can't be complete are added over the hops that are up.

    Raises the first other error whose errno isn't in `ignore`.
    """
    errors = netlink.try_run(batch)
    if not errors:
        return
    for error in errors:
        if error.errno not in ignore and not unreachable(error):
            raise error
    if any(map(unreachable, errors)):
        apply_routes(netlink, part, node)


def apply_routes(netlink: Netlink, part: PlanPart, node: int) -> None:
    """Set all routes of `node`, over the hops whose ports are up.

    `netlink` is a socket in the node's namespace. Raises KernelError if the kernel refuses a route for a
    second.
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
            time.sleep(_PAUSE)  # IPv6 detects a carrier with a short delay
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
    """Return the flags of each interface in the namespace."""
    needed = messages.IFF_UP | _LOWER_UP
    found = (_INDEX_AND_FLAGS.unpack_from(body) for _, body in netlink.dump(messages.link_dump()))
    return {index: flags & needed for index, flags in found}
