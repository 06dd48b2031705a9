"""Create the nodes of a plan, one after the other, at the speed of the kernel.

It uses one process and one thread: because of the kernel's RTNL lock, a second wouldn't be faster.
"""

from __future__ import annotations

from emulator.garbage import no_collection
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.linux.nodes.handle_cache import open_namespaces
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.tunnel_wires import TunnelWires
from emulator.network import Progress
from emulator.plan_part import PlanPart


@no_collection()
def create_nodes(part: PlanPart, store: NamespaceStore, progress: Progress) -> None:
    """Create all nodes and links of `part`. Call inside the store's mount namespace.

    Leaves this thread in the last node's network namespace; the caller must return from there.
    Raises KernelError at the first operation that the kernel refuses, without a rollback.
    """
    writer = NodeMessages(part)
    file_of, total = part.namespaces.file, len(part.nodes)
    with (
        open_namespaces(store, part) as namespace_of,
        NodeSysctls(part) as sysctls,
        TunnelWires(part, store) as wires,
    ):
        done = 0
        for run in writer.order.runs():
            batches = [writer.first(node, namespace_of) for node in run]
            for node, batch in zip(run, batches, strict=True):
                store.make(file_of(node))
                sysctls.apply(node)
                with Netlink() as netlink:
                    netlink.run(batch)
                wires.create(writer, node, namespace_of)
            done += len(run)
            progress("nodes", done, total)
    progress("nodes", total, total)
    for node in writer.order.pending_nodes:
        store.go(file_of(node))
        with Netlink() as netlink:
            netlink.run(writer.second(node))
