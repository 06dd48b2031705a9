"""The shapes that links of a running network were given live, for links that are made again."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from emulator.link_states import States, effective_shape
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.netlink import Batch, Netlink
from emulator.linux.qdisc import reshape_messages
from emulator.plan import Plan
from topologies.identifiers import interface_name

UNSHAPED = frozenset({errno.ENOENT})
"""What taking a shape away gives where there is none."""


def shape_batches(plan: Plan, states: States, links: Iterable[int]) -> dict[int, Batch]:
    """Return what both ends of `links` are to be told, by node."""
    topology = plan.topology
    batches: dict[int, Batch] = {}
    for link in links:
        mtu = topology.link_profile_of(link).effective_mtu
        for end, (node, port) in enumerate(
            zip(topology.ends[link].tolist(), topology.ports[link].tolist(), strict=True)
        ):
            shape = effective_shape(topology, states, link, end)
            for message in reshape_messages(plan.indices.ends[link][end], shape, mtu):
                batches.setdefault(node, Batch()).add(message, "shape", interface_name(topology, node, port))
    return batches


def give_shapes(plan: Plan, store: NamespaceStore, states: States, links: Iterable[int]) -> None:
    """Give `links` their live shapes. Call inside the store's mount namespace."""
    for node, batch in shape_batches(plan, states, links).items():
        store.go(plan.topology.names[node])
        with Netlink() as netlink:
            netlink.run(batch, ignore=UNSHAPED)
