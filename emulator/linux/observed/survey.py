"""Compare all nodes of a running network with its plan and report deviations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.deviation import Deviation, missing
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.observed.compare import NodeComparison
from emulator.linux.observed.existing_nodes import has_device
from emulator.linux.observed.findings import NodeFindings
from emulator.linux.observed.parse import Found
from emulator.linux.observed.read import DumpSelection, Reader, read_here
from emulator.linux.observed.wanted import WantedPort, WantedState
from emulator.node_settings import NodeSettings
from topologies.identifiers import bridge_name


@dataclass
class Damage:
    """Deviations from the plan: missing nodes and links, and findings by node."""

    nodes: list[int] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    findings: dict[int, NodeFindings] = field(default_factory=dict)
    deviations: list[Deviation] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True when the network has no deviations."""
        return not (self.nodes or self.links or self.findings)


class Survey:
    """Compares every node with the kernel. Use it inside the store's mount namespace.

    It leaves its thread in the network namespace of some node. Engines whose program creates nodes in its own
    way override the test that the program knows them, and the comparison. `others` are further readers of
    some nodes, who compare the rules for routing there; they read in the same pass.
    """

    def __init__(
        self, wanted: WantedState, store: NamespaceStore, others: Mapping[int, Reader] | None = None
    ) -> None:
        self.wanted, self._store = wanted, store
        self._others = others or {}
        self._common: dict[str, Found] = {}

    def damage(self) -> Damage:
        """Return the deviations from the plan."""
        topology = self.wanted.plan.topology
        damage, lost = Damage(), dict[int, None]()
        files = frozenset(self._store.files())
        for node in self.wanted.plan.here.nodes.tolist():
            if not self._exists(node, files) or not self.is_known(node):
                damage.nodes.append(node)
                lost.update(dict.fromkeys(end.link for end in topology.incident(node)))
                continue
            findings = self._findings(node)
            lost.update(dict.fromkeys(findings.lost))
            if not findings.is_whole:
                damage.findings[node] = findings
        damage.links = sorted(lost)
        damage.deviations = deviations_of(self.wanted, damage)
        return damage

    def _exists(self, node: int, files: frozenset[str]) -> bool:
        """Return whether the node's namespace exists, and if it is shared, any of its devices."""
        namespaces = self.wanted.plan.namespaces
        file = namespaces.file(node)
        if file not in files or not namespaces.shared[node]:
            return file in files
        return has_device(self.wanted.plan.topology, node, self._shared(file).interfaces)

    def is_known(self, node: int) -> bool:
        """Return whether the program that created the network knows the node."""
        del node
        return True

    def comparison(
        self, node: int, settings: NodeSettings, ports: list[WantedPort], found: Found
    ) -> NodeComparison:
        """Return the comparison of the node with its namespace."""
        own = not self.wanted.plan.namespaces.shared[node]
        return NodeComparison(
            settings, ports, found,
            bridge=bridge_name(self.wanted.plan.topology, node) if settings.mac else "",
            membership=own, layer3=own, forwards=self.forwards(node),
        )  # fmt: skip

    def forwards(self, node: int) -> tuple[int, ...]:
        """Return the address families that the node forwards."""
        if not self.wanted.plan.forwarding.is_router(node):
            return ()
        return (messages.AF_INET, messages.AF_INET6) if self._ipv6 else (messages.AF_INET,)

    @property
    def _ipv6(self) -> bool:
        return self.wanted.plan.topology.pools.ipv6 is not None

    def _findings(self, node: int) -> NodeFindings:
        settings, ports = self.wanted.node(node)
        namespaces = self.wanted.plan.namespaces
        if namespaces.shared[node]:
            found = self._shared(namespaces.file(node))
        else:
            selection = DumpSelection(
                ipv6=self._ipv6, neighbours=bool(settings.neighbours), forwarding=bool(self.forwards(node))
            )
            found = self._read(namespaces.file(node), selection, self._others.get(node))
        if node in self._others:
            found.rules = {}
        return self.comparison(node, settings, ports, found).findings()

    def _shared(self, file: str) -> Found:
        """Return the state of a shared namespace, which is read once."""
        if file not in self._common:
            self._common[file] = self._read(file, DumpSelection(layer3=False))
        return self._common[file]

    def _read(self, file: str, selection: DumpSelection, also: Reader | None = None) -> Found:
        self._store.go(file)
        return read_here(selection, also)


def deviations_of(wanted: WantedState, damage: Damage) -> list[Deviation]:
    """Return all deviations: missing nodes, missing links, then settings of existing nodes."""
    topology = wanted.plan.topology
    names = topology.names
    out = [missing(names[node], f"node {names[node]}") for node in damage.nodes]
    for link in damage.links:
        a, b = (names[end] for end in topology.ends[link].tolist())
        out.append(missing(a, f"link {a} -- {b}"))
    for findings in damage.findings.values():
        out += findings.deviations
    return out
