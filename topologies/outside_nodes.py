"""Nodes of a topology by their way to the machine, and kinds as files write them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.elements import Kind
from topologies.nodes_having import nodes_having
from topologies.outside import NAT, OUTSIDE, OUTSIDE_KINDS, MachineInterface
from topologies.topology import Topology


def kind_word(topology: Topology, node: int) -> str:
    """Return the kind of a node as files write it."""
    return topology.node_profile_of(node).outside.kind or Kind(topology.kinds[node]).word


def kind_mask(topology: Topology, word: str) -> npt.NDArray[np.bool_]:
    """Return the nodes of a kind, as files write it: bool[n]. A nat node is no `host` here."""
    words = np.array([profile.outside.kind for profile in topology.node_profiles])[topology.node_profile]
    if word in OUTSIDE_KINDS:
        return np.asarray(words == word)
    return np.asarray((topology.kinds == Kind[word.upper()]) & (words == ""))


def nat_nodes(topology: Topology) -> list[int]:
    """Return the nodes of `kind: nat`, ascending."""
    return nodes_having(topology, lambda profile: profile.outside.kind == NAT)


def outside_nodes(topology: Topology) -> list[int]:
    """Return the nodes of `kind: outside`, by which the machine is in the network, ascending."""
    return nodes_having(topology, lambda profile: profile.outside.kind == OUTSIDE)


def lent_interfaces(topology: Topology) -> dict[int, tuple[MachineInterface, ...]]:
    """Return the interfaces of the machine that nodes have, by node."""
    nodes = nodes_having(topology, lambda profile: bool(profile.outside.interfaces))
    return {node: topology.node_profile_of(node).outside.interfaces for node in nodes}


def uplinked_nodes(topology: Topology) -> list[int]:
    """Return the nodes with a way to the machine, ascending."""
    return nodes_having(topology, lambda profile: bool(profile.outside.kind))
