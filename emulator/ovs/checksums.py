"""Checksums of packets to userspace switches: the sender computes them, since nothing later does."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from emulator.deviation import Deviation
from emulator.linux.machine.offload import compute_checksums, offloaded
from emulator.linux.namespaces.store import NamespaceStore
from emulator.ovs.bridges import USERSPACE, Bridge
from emulator.plan import Plan
from topologies.identifiers import interface_name
from topologies.openflow_switches import ovs_nodes
from topologies.topology import Topology


def compute_all(plan: Plan, found: Mapping[int, Bridge], store: NamespaceStore) -> None:
    """Make packets to userspace switches leave with checksums. Call inside the store's mounts."""
    there, file_of = frozenset(store.files()), plan.namespaces.file
    for node, names in userspace_ports(plan.topology, found).items():
        if file_of(node) in there:
            store.go(file_of(node))
            compute_checksums(names)


def uncomputed(
    plan: Plan,
    found: Mapping[int, Bridge],
    store: NamespaceStore,
    fresh: AbstractSet[str] = frozenset(),
) -> list[Deviation]:
    """Return the interfaces that send without checksums to a userspace switch.

    Skips missing nodes and interfaces, and those in `fresh`, which were created just now. Call inside the
    store's mounts.
    """
    there, file_of, out = frozenset(store.files()), plan.namespaces.file, list[Deviation]()
    for node, names in userspace_ports(plan.topology, found).items():
        if file_of(node) in there:
            store.go(file_of(node))
            node_name = plan.topology.names[node]
            out += [
                Deviation(node_name, f"checksums of {interface}", "computed", "left to hardware")
                for interface in offloaded(sorted(set(names) - fresh))
            ]
    return out


def userspace_ports(topology: Topology, found: Mapping[int, Bridge]) -> dict[int, list[str]]:
    """Return the interfaces whose packets must leave with computed checksums, by node.

    A switch on another machine, which isn't in `found`, counts as a userspace bridge unless the file says
    otherwise.
    They face a userspace bridge, which takes packets as they are. The kernel leaves a checksum to the
    hardware, which a veth doesn't have: TCP would drop these packets.
    """
    here = np.zeros(topology.node_count, dtype=bool)
    here[[node for node, bridge in found.items() if bridge.datapath == USERSPACE]] = True
    ours = ovs_nodes(topology)
    for node in set(np.flatnonzero(ours).tolist()).difference(found):
        here[node] = topology.node_profile_of(node).openflow.datapath != "kernel"
    out: dict[int, list[str]] = {}
    for link, end in np.argwhere(here[topology.ends[:, ::-1]] & ~ours[topology.ends]).tolist():
        node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
        out.setdefault(node, []).append(interface_name(topology, node, port))
    return out
