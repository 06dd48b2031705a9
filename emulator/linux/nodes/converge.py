"""Change a running network to a new plan, touching only the differences."""

from __future__ import annotations

import errno
from collections.abc import Callable

import numpy as np

from emulator.difference import Difference
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.settings_messages import add_routes_and_neighbours, additions, removals
from emulator.linux.nodes.handle_cache import open_namespaces
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.partial_routes import run_partly
from emulator.linux.nodes.release import release_named
from emulator.linux.nodes.teardown import Sentinel
from emulator.linux.nodes.tunnel_wires import TunnelWires
from emulator.plan_part import PlanPart

_GONE = frozenset({errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT, errno.EEXIST})
"""Errors that mean "gone already" or "exists already" (after an interrupted `up`)."""

_THERE = frozenset({errno.EEXIST})
_NOT_YET = _THERE | {errno.ENODEV}
"""Errors from adding a permanent neighbour over a port that is still missing."""

_DOOMED = 0x746F706F
"""Group of links to delete: the kernel waits once per group, but once per link without a group."""


def keep_going() -> None:
    """Ignore interrupts, for changes that must complete."""


def converge(
    part: PlanPart, change: Difference, store: NamespaceStore, check: Callable[[], None] = keep_going, *,
    partly: bool = False,
) -> None:  # fmt: skip
    """Apply `change`, which leads to `part`. Call inside the store's mount namespace.

    `check()` is called between nodes and may raise to stop. Raises KernelError. Changes made before the
    error stay, and the caller's record marks the network as partly changed. With `partly`, other ports of
    these nodes may be down or gone meanwhile; routes then use the remaining ports.
    """
    file_of = part.namespaces.file_of
    for before, after in change.kept:
        check()
        _send(store, file_of(before.name), removals(before, after))
    for file, links in _by_namespace(part, change.gone_links).items():
        batch = Batch()
        for name, index in links:
            batch.add(messages.link_group(index, _DOOMED), "delete a link of", name)
        batch.add(messages.group_delete(_DOOMED), "delete the links of", links[0][0])
        _send(store, file, batch)
    if change.gone_nodes:
        sentinel = Sentinel()
        release_named(store, change.gone_nodes)
        sentinel.wait()
    _create(part, change, store, check, partly=partly)
    for before, after in change.kept:
        check()
        node = part.topology.names.find(after.name) if partly else None
        _send_partly(part, store, file_of(after.name), additions(before, after), node)
    for node in _neighbours_of_new(part, change):
        _send_partly(part, store, part.namespaces.file(node), _again(part, node), node if partly else None)


def _by_namespace(part: PlanPart, gone: list[tuple[str, int]]) -> dict[str, list[tuple[str, int]]]:
    """Return the deleted links (node name, interface index), by the namespace from which each is deleted."""
    found: dict[str, list[tuple[str, int]]] = {}
    for name, index in gone:
        found.setdefault(part.namespaces.file_of(name), []).append((name, index))
    return found


def _send(store: NamespaceStore, file: str, batch: Batch) -> None:
    if batch:
        store.go(file)
        with Netlink() as netlink:
            netlink.run(batch, ignore=_GONE)


def _send_partly(part: PlanPart, store: NamespaceStore, file: str, batch: Batch, node: int | None) -> None:
    """Send `batch` to a namespace. With the node's number, routes use only those of its ports that are up."""
    if node is None:
        _send(store, file, batch)
    elif batch:
        store.go(file)
        with Netlink() as netlink:
            run_partly(netlink, part, node, batch, _GONE)


def _create(
    part: PlanPart, change: Difference, store: NamespaceStore, check: Callable[[], None], *, partly: bool
) -> None:
    """Create the new nodes and links, in the order of a full deployment."""

    def run(node: int, batch: Batch) -> None:
        if batch:
            with Netlink() as netlink:
                if partly:
                    run_partly(netlink, part, node, batch, _NOT_YET)
                else:
                    netlink.run(batch, ignore=_THERE)

    fresh = set(change.new_nodes)
    touched = np.array(sorted(fresh.union(_ends_of_new(part, change))), dtype=np.int64)
    new = part.only(touched, np.flatnonzero(change.new_links))
    writer = NodeMessages(new, running=True)
    namespaces = part.namespaces
    with (
        open_namespaces(store, part) as namespace_of,
        NodeSysctls(new) as sysctls,
        TunnelWires(new, store) as wires,
    ):
        for node in writer.order.nodes:
            check()
            if node in fresh:
                if not namespaces.shared[node]:
                    store.remove(namespaces.file(node))  # left by an interrupted change
                store.make(namespaces.file(node))
                sysctls.apply(node)
                batch = writer.first(node, namespace_of)
            else:
                store.go(namespaces.file(node))
                batch = Batch()
                writer.links_to_older(batch, node, namespace_of)
            run(node, batch)
            wires.create(writer, node, namespace_of)
    for node in writer.order.pending_nodes:
        store.go(namespaces.file(node))
        batch = Batch()
        if node in fresh:
            batch = writer.second(node)
        else:
            writer.links_to_newer(batch, node)
        run(node, batch)


def _neighbours_of_new(part: PlanPart, change: Difference) -> list[int]:
    """Return the kept nodes at an end of a new link: they lost the routes over the link that it replaces."""
    fresh = set(change.new_nodes)
    return [node for node in _ends_of_new(part, change) if node not in fresh]


def _ends_of_new(part: PlanPart, change: Difference) -> list[int]:
    """Return the nodes of `part` at an end of a new link, ascending."""
    ends: list[int] = np.unique(part.topology.ends[change.new_links]).tolist()
    return ends if part.has_all_nodes else [node for node in ends if part.has(node)]


def _again(part: PlanPart, node: int) -> Batch:
    """Return the batch that adds all routes and permanent neighbours of a node."""
    batch = Batch()
    add_routes_and_neighbours(batch, part, node)
    return batch
