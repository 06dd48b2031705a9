"""The engine's own work on Mininet's nodes, since they are on this machine.

Before a node has ports, its namespace is pinned in the network's store, its sysctls are set, and its shell
joins its control group. When a node is removed, its processes are killed. Call this inside the store's mount
namespace.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from emulator.engines.driven.node_lines import is_switch
from emulator.errors import KernelError
from emulator.linux import cgroups
from emulator.linux.machine.offload import compute_checksums
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.pin_namespace import pin_namespace, quieten_here
from emulator.linux.nodes.teardown import kill_inside
from emulator.node_namespaces import SWITCHES
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
                name = self._names[node]
                if cgroups.needed(self._plan.topology.node_profile_of(node)):
                    self.confine(node, shell)
                if is_switch(self._plan, node):
                    self._store.remove(name)
                    self._store.make(name, SWITCHES)
                    return
                pin_namespace(self._store, name, shell)
                sysctls.apply(node)
                if quiet:
                    quieten_here()

            yield pin

    def forward_again(self, nodes: Iterable[int]) -> None:
        """Set the sysctls of existing nodes."""
        with NodeSysctls(self._plan.whole) as sysctls:
            for node in nodes:
                self._store.go(self._names[node])
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
                self._store.go(self._names[node])
                compute_checksums(fresh)

    def remove(self, nodes: Sequence[int]) -> None:
        """Kill remaining processes of our commands in nodes that Mininet removed, and unpin the namespaces.

        The namespace that switches share stays.
        """
        inodes = []
        for node in nodes:
            if not is_switch(self._plan, node):
                with suppress(FileNotFoundError, KernelError):
                    descriptor = self._store.open(self._names[node])
                    inodes.append(os.fstat(descriptor).st_ino)
                    os.close(descriptor)
        kill_inside(inodes)
        for node in nodes:
            self._store.remove(self._names[node])
