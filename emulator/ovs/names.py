"""Name clashes of switches that share one namespace: their bridges and all their ports. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from topologies.identifiers import interface_name
from topologies.topology import Topology

RESERVED = frozenset({"ovs-system", "ovs-netdev", "bonding_masters"})
"""Names that are in use or impossible, besides those that `bridge_name` avoids."""


def name_clashes(topology: Topology, switches: Mapping[int, str], maker: str) -> Iterator[str]:
    """Yield why devices of `switches`, which share one namespace, can't all have their names.

    `switches` maps nodes to the names of their bridges; `maker` names, for people, what creates them.
    """
    names = topology.names
    owners = {
        interface_name(topology, node, port): node
        for node in switches
        for _, _, port in topology.incident(node)
    }
    for node, name in switches.items():
        if name in RESERVED:
            yield f"{names[node]}: {maker} can't have a switch of that name; give it another"
        elif name in owners:
            yield (
                f"{names[node]}: a port of the switch {names[owners[name]]} has that name too, and both are "
                f"devices of one namespace; give one of the two switches another name"
            )
