"""Make the nodes of a plan, one after the other, as fast as the kernel does it.

One process, one thread: the kernel's RTNL lock lets nobody be faster with two.
"""

from __future__ import annotations

import gc
import os
import resource
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from emulator.linux.namespaces import NamespaceStore
from emulator.linux.netlink import Netlink
from emulator.linux.node_messages import NodeMessages, runs
from emulator.linux.node_sysctls import NodeSysctls
from emulator.network import Progress
from emulator.plan import Plan
from topologies.topology import Topology


class OpenNamespaces:
    """Descriptors of the namespaces used last: few enough for any limit on open files."""

    def __init__(self, store: NamespaceStore, name_of: Callable[[int], str], most: int = 256) -> None:
        self._store = store
        self._name_of = name_of
        self._most = most
        self._open: OrderedDict[int, int] = OrderedDict()

    def __call__(self, node: int) -> int:
        """Return a descriptor of the namespace of `node`, valid until `most` others were asked for."""
        found = self._open.get(node)
        if found is not None:
            self._open.move_to_end(node)
            return found
        if len(self._open) >= self._most:
            os.close(self._open.popitem(last=False)[1])
        self._open[node] = made = self._store.open(self._name_of(node))
        return made

    def forget(self, node: int) -> None:
        """Close the descriptor of `node`, whose namespace goes."""
        descriptor = self._open.pop(node, None)
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()


def most_open(topology: Topology) -> int:
    """Return how many descriptors to keep, one for each link of a node; raise the limit if need be."""
    most = max(256, int(topology.degrees.max(initial=0)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + 128
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    return most


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of cyclic garbage off: messages make none, and it walks all that was imported."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collection()
def make_nodes(plan: Plan, store: NamespaceStore, progress: Progress) -> None:
    """Make all nodes and links of `plan`. Call inside the store's mount namespace.

    Leaves this thread in the last node's network namespace: the caller returns from there.
    Raises KernelError at the first thing that the kernel refuses; nothing is rolled back here.
    """
    writer = NodeMessages(plan)
    names, shared = list(plan.topology.names), plan.indices.shared
    total = len(names)
    most = most_open(plan.topology)
    with OpenNamespaces(store, names.__getitem__, most) as namespace_of, NodeSysctls(plan) as sysctls:
        done = 0
        for run in runs(plan.topology, writer.sequence):
            batches = [writer.first(node, namespace_of) for node in run]
            for node, batch in zip(run, batches, strict=True):
                store.make(names[node], shared=shared[node])
                sysctls.apply(node)
                with Netlink() as netlink:
                    netlink.run(batch)
            done += len(run)
            progress("nodes", done, total)
    progress("nodes", total, total)
    for node in writer.pending.nonzero()[0].tolist():
        store.go(names[node])
        with Netlink() as netlink:
            netlink.run(writer.second(node))
