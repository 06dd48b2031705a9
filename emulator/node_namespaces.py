"""Network namespace that each node lives in: its own, or one shared with others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from topologies.names import Names
from topologies.openflow_switches import ovs_nodes
from topologies.topology import I32, I64, Topology

SWITCH_DAEMON = -1
"""Owner of the namespace in which the daemon of Open vSwitch runs with its switches, one on each worker."""
SWITCHES = ".switches"
"""File of that namespace; no node's name starts with a dot."""


@dataclass(frozen=True)
class NodeNamespaces:
    """The network namespace of each node.

    owner: int64[n], the node whose namespace it is: the node itself or another one, or SWITCH_DAEMON.
    worker: int32[n], the machine that the node is on.
    """

    names: Names
    owner: I64
    worker: I32

    @cached_property
    def shared(self) -> npt.NDArray[np.bool_]:
        """Nodes that live in a namespace which isn't their own: bool[n]."""
        return np.asarray(self.owner != np.arange(len(self.owner)))

    def file(self, node: int) -> str:
        """Return the name of the file that the namespace of `node` is bound to."""
        owner = int(self.owner[node])
        return SWITCHES if owner == SWITCH_DAEMON else self.names[owner]


def node_namespaces(topology: Topology, worker: I32 | None = None) -> NodeNamespaces:
    """Return where the nodes of `topology` live; `worker` is int32[n], None is one machine."""
    owner = np.where(ovs_nodes(topology), SWITCH_DAEMON, np.arange(topology.node_count))
    machine = np.zeros(topology.node_count, dtype=np.int32) if worker is None else worker
    return NodeNamespaces(topology.names, owner, machine)
