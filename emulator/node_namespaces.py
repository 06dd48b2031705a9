"""Network namespace of each node: its own, or one shared with others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.names import Names
from topologies.openflow_switches import ovs_nodes
from topologies.topology import I32, I64, Kind, Topology

SWITCH_DAEMON = -1
"""Owner of the namespace of Open vSwitch's daemon and its switches; there is one on each worker."""
SWITCH_ROOT = -2
"""Owner of the same namespace, of switches that Open vSwitch doesn't have."""
FIRST_TENANT = -3
"""Owner of the first namespace of an address space on a compute host; the others count down from it."""
SWITCHES = ".switches"
"""File of the switches' namespace; no node's name starts with a dot."""
MACHINE_FILE = ".machine"
"""File of the machine's own namespace, while a network has a way to it. No node is in it."""


class LightNamespaces(NamedTuple):
    """Namespaces of the light nodes, which are the last k: `host` int32[k], their compute hosts.

    `tenant` int64[k] is the row in `files` of a namespace of an address space, -1 for that of the host.
    """

    host: I32
    tenant: I64
    files: tuple[str, ...]


@dataclass(frozen=True)
class NodeNamespaces:
    """The network namespace of each node.

    owner: int64[n], the owner of each node's namespace: the node itself, another one, or one of the above.
    worker: int32[n], the machine of each node. `tenants` are the files of address spaces on compute hosts:
    that of number t has the owner FIRST_TENANT - t.
    """

    names: Names
    owner: I64
    worker: I32
    tenants: tuple[str, ...] = ()

    @cached_property
    def shared(self) -> npt.NDArray[np.bool_]:
        """Nodes in a namespace that isn't their own: bool[n]."""
        return np.asarray(self.owner != np.arange(len(self.owner)))

    @cached_property
    def of_daemon(self) -> npt.NDArray[np.bool_]:
        """Nodes whose ports belong to Open vSwitch's daemon, not to a bridge of the kernel: bool[n]."""
        return np.asarray(self.owner == SWITCH_DAEMON)

    def file(self, node: int) -> str:
        """Return the name of the file to which the namespace of `node` is bound."""
        owner = int(self.owner[node])
        if owner <= FIRST_TENANT:
            return self.tenants[FIRST_TENANT - owner]
        return SWITCHES if owner < 0 else self.names[owner]

    def file_of(self, name: str) -> str:
        """Return the file of the node called `name`; KeyError when there is none."""
        node = self.names.find(name)
        if node is None:
            raise KeyError(name)
        return self.file(node)


def node_namespaces(
    topology: Topology, worker: I32 | None = None, *, one_switch_namespace: bool = False,
    light: LightNamespaces | None = None,
) -> NodeNamespaces:  # fmt: skip
    """Return the namespaces of the nodes of `topology`; `worker` is int32[n], None is one machine.

    With `one_switch_namespace`, switches of every kind are in that of the switches. `light` has those of
    light nodes.
    """
    owner = np.arange(topology.node_count)
    if one_switch_namespace:
        owner[(topology.kinds == Kind.SWITCH) & (topology.forwarding != "routed")] = SWITCH_ROOT
    owner[ovs_nodes(topology)] = SWITCH_DAEMON
    files: tuple[str, ...] = ()
    if light is not None:
        files, inside = light.files, light.tenant >= 0
        owner[len(owner) - len(light.host) :] = np.where(inside, FIRST_TENANT - light.tenant, light.host)
    machine = np.zeros(topology.node_count, dtype=np.int32) if worker is None else worker
    return NodeNamespaces(topology.names, owner, machine, files)
