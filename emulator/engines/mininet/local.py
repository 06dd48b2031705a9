"""The engine's own work on Mininet's nodes, since they are on this machine.

Before a node has ports, its namespace is pinned in the network's store, its sysctls are set, and its shell
joins its control group. When a node is removed, its processes are killed. Call this inside the store's mount
namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from emulator.linux import cgroups
from emulator.linux.machine.offload import compute_checksums
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.pin_namespace import pin_namespace, quieten_here
from emulator.linux.nodes.release import release_nodes
from emulator.ovs.checksums import userspace_ports
from emulator.ovs.planned_bridges import bridges_of
from emulator.plan import Plan
from emulator.state import state_root

Pin = Callable[[int, int], None]
"""Called with a created node and the process id of its shell."""


class LocalNodes:
    """The nodes of `plan` on this machine."""

    def __init__(self, plan: Plan, store: NamespaceStore) -> None:
        self._plan = plan
        self._names = plan.topology.names
        self._store = store

    @contextmanager
    def pinning(self) -> Iterator[Pin]:
        """Yield a function that pins nodes and applies the settings that must precede their ports."""
        quiet = self._plan.topology.pools.ipv6 is None
        with NodeSysctls(self._plan.whole) as sysctls:

            def pin(node: int, shell: int) -> None:
                if cgroups.needed(self._plan.topology.node_profile_of(node)):
                    self.confine(node, shell)
                if self._plan.namespaces.shared[node]:
                    return  # the driver made it in its own namespace
                pin_namespace(self._store, self._plan.namespaces.file(node), shell)
                sysctls.apply(node)
                if quiet:
                    quieten_here()

            yield pin

    def forward_again(self, nodes: Iterable[int]) -> None:
        """Set the sysctls of existing nodes."""
        with NodeSysctls(self._plan.whole) as sysctls:
            for node in nodes:
                self._store.go(self._plan.namespaces.file(node))
                sysctls.apply(node)

    def confine(self, node: int, shell: int) -> None:
        """Put a node's shell under the node's limits; commands typed in Mininet inherit them."""
        topology, profile = self._plan.topology, self._plan.topology.node_profile_of(node)
        cgroups.confine(state_root(), topology.name, self._names[node], profile, shell)

    def compute_checksums(self, made: frozenset[str]) -> None:
        """Make hosts compute checksums where they face a userspace switch.

        Only for interfaces in `made`: concurrent sessions remove and create other nodes.
        """
        for node, interfaces in userspace_ports(self._plan.topology, bridges_of(self._plan)).items():
            if fresh := made.intersection(interfaces):
                self._store.go(self._plan.namespaces.file(node))
                compute_checksums(fresh)

    def remove(self, nodes: Sequence[int]) -> None:
        """Kill remaining processes of our commands in nodes that Mininet removed, and unpin the namespaces.

        The namespace that switches share stays.
        """
        release_nodes(self._store, self._plan.namespaces, nodes)
