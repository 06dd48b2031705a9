"""Forget what nodes have learned of others, after a change gave addresses or MACs to other nodes.

A neighbour entry lasts up to a minute (net/core/neighbour.c: base_reachable_time, then probes to the old
MAC), and a bridge sends frames for a MAC to the port where it was seen last. Both are learned again by the
next packets.
"""

from __future__ import annotations

import errno
import struct

from emulator.difference import Difference
from emulator.indices import BRIDGE_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import bridge_messages, dumps, messages
from emulator.linux.netlink.connection import Batch, Netlink, attributes
from emulator.node_settings import NodeSettings
from emulator.plan_part import PlanPart

_NDMSG = struct.Struct("=BxxxiHBB")
_DESTINATION = 1
_LASTING = 0x80 | 0x40
"""NUD_PERMANENT and NUD_NOARP: entries that the plan or the kernel made, not learned ones."""
_GONE = frozenset({errno.ENOENT, errno.ENODEV})
"""Errors for entries that the kernel forgot meanwhile."""


def forget_learned(
    part: PlanPart, change: Difference, store: NamespaceStore, *, elsewhere: bool = False
) -> None:
    """Forget learned neighbours and places of MACs in all nodes of `part`, if `change` can make them wrong.

    With `elsewhere`, other machines have changed nodes, too.

    Call inside the store's mount namespace, once the change is done. Switches of Open vSwitch forget by
    themselves. Raises KernelError.
    """
    if (
        not elsewhere
        and not change.new_nodes
        and not any(_identity(old) != _identity(new) for old, new in change.kept)
    ):
        return
    for row, node in enumerate(part.nodes.tolist()):
        if part.shared[row]:
            continue
        store.go(part.namespaces.file(node))
        with Netlink() as netlink:
            batch = _removals(netlink, part.names[row])
            if part.forwarding.has_bridge(node):
                batch.add(bridge_messages.bridge_flush(BRIDGE_INDEX), "flush", part.names[row])
            if batch:
                netlink.run(batch, ignore=_GONE)


def _identity(settings: NodeSettings) -> tuple[object, ...]:
    """Return what others know of a node: its addresses and MACs."""
    return settings.addresses, settings.mac, {port: one.mac for port, one in settings.ports.items()}


def _removals(netlink: Netlink, name: str) -> Batch:
    """Return the batch that removes the learned neighbours of the node `name`."""
    batch = Batch()
    for _, body in netlink.dump(dumps.NEIGHBOURS):
        _, index, state, _, _ = _NDMSG.unpack_from(body)
        packed = dict(attributes(body, _NDMSG.size)).get(_DESTINATION)
        if packed is not None and not state & _LASTING:
            batch.add(messages.neighbour_delete(index, packed), "forget a neighbour of", name)
    return batch
