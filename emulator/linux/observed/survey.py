"""Look at all nodes of a running network and say where the kernel isn't as the plan wants."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.deviation import Deviation, missing
from emulator.linux import messages
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.observed.compare import NodeComparison
from emulator.linux.observed.findings import NodeFindings
from emulator.linux.observed.parse import Found
from emulator.linux.observed.read import Wish, read_here
from emulator.linux.observed.wanted import WantedState
from topologies.identifiers import bridge_name


@dataclass
class Damage:
    """What differs from the plan: nodes and links that are missing, and findings by node."""

    nodes: list[int] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    findings: dict[int, NodeFindings] = field(default_factory=dict)
    deviations: list[Deviation] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """True when the network is whole."""
        return not (self.nodes or self.links or self.findings)


def survey(wanted: WantedState, store: NamespaceStore) -> Damage:
    """Compare every node with the kernel. Call inside the store's mount namespace.

    Leaves this thread in some node's network namespace.
    """
    topology = wanted.plan.topology
    names, namespaces = topology.names, wanted.plan.namespaces
    shared: list[bool] = namespaces.shared.tolist()
    damage, lost = Damage(), dict[int, None]()
    present = set(store.nodes())
    common: dict[str, Found] = {}
    for node in range(topology.node_count):
        if names[node] not in present:
            damage.nodes.append(node)
            lost.update(dict.fromkeys(end.link for end in topology.incident(node)))
            continue
        file = namespaces.file(node)
        if shared[node] and file not in common:
            common[file] = _read(store, file, Wish(layer3=False))
        findings = _compare(wanted, node, store, common[file] if shared[node] else None)
        lost.update(dict.fromkeys(findings.lost))
        if not findings.is_whole:
            damage.findings[node] = findings
    damage.links = sorted(lost)
    damage.deviations = tell(wanted, damage)
    return damage


def _read(store: NamespaceStore, name: str, wish: Wish) -> Found:
    store.go(name)
    return read_here(wish)


def _compare(wanted: WantedState, node: int, store: NamespaceStore, common: Found | None) -> NodeFindings:
    """Compare one node; `common` is what the namespace holds that it shares with others."""
    plan = wanted.plan
    settings, ports = wanted.node(node)
    ipv6, router = plan.topology.pools.ipv6 is not None, plan.forwarding.is_router(node)
    found = common
    if found is None:
        wish = Wish(ipv6=ipv6, neighbours=bool(settings.neighbours), forwarding=router)
        found = _read(store, plan.topology.names[node], wish)
    families = (messages.AF_INET, messages.AF_INET6) if ipv6 else (messages.AF_INET,)
    return NodeComparison(
        settings, ports, found,
        bridge=bridge_name(plan.topology, node) if settings.mac else "",
        roles=common is None, layer3=common is None,
        forwards=families if router else (),
    ).findings()  # fmt: skip


def tell(wanted: WantedState, damage: Damage) -> list[Deviation]:
    """Return all deviations: nodes, links, then what is set otherwise in nodes that are there."""
    topology = wanted.plan.topology
    names = topology.names
    out = [missing(names[node], f"node {names[node]}") for node in damage.nodes]
    for link in damage.links:
        a, b = (names[end] for end in topology.ends[link].tolist())
        out.append(missing(a, f"link {a} -- {b}"))
    for findings in damage.findings.values():
        out += findings.deviations
    return out
