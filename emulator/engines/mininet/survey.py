"""Compare a running Mininet network with its plan: in the kernel, and in what Mininet knows.

Mininet lets the kernel number interfaces, so they are compared by name; its switches are all in one
namespace. How exactly a link is shaped is Mininet's business: looked at is whether it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from emulator.difference import NodeSettings
from emulator.engines.driven.client import Driver
from emulator.engines.mininet.document import mininet_name
from emulator.engines.mininet.settings import device, is_switch
from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role
from emulator.linux import messages
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.observed.compare import NodeComparison
from emulator.linux.observed.findings import NodeFindings
from emulator.linux.observed.parse import Found
from emulator.linux.observed.read import Wish, read_here
from emulator.linux.observed.survey import Damage, tell
from emulator.linux.observed.wanted import WantedPort, WantedState
from emulator.node_namespaces import SWITCHES
from topologies.identifiers import bridge_name

_BY_BRCTL = {"stp_state": 0, "vlan_filtering": 0}
"""The options of a bridge that Mininet says something of."""


class Survey:
    """Looks at all nodes. Use it inside the store's mount namespace."""

    def __init__(self, wanted: WantedState, driver: Driver, store: NamespaceStore) -> None:
        self._wanted, self._store = wanted, store
        (known,) = driver.ask(("info", {}))
        self._nodes, self._interfaces = frozenset(known["nodes"]), frozenset(known["interfaces"])
        self._names = [mininet_name(wanted.plan, node) for node in range(wanted.plan.topology.node_count)]

    def damage(self) -> Damage:
        """Return what differs."""
        topology = self._wanted.plan.topology
        pinned = frozenset(self._store.nodes())
        self._store.go(SWITCHES)
        common = read_here(Wish(layer3=False))
        damage, lost = Damage(), dict[int, None]()
        for node, name in enumerate(topology.names):
            if name not in pinned or self._names[node] not in self._nodes:
                damage.nodes.append(node)
                lost.update(dict.fromkeys(end.link for end in topology.incident(node)))
                continue
            findings = self._compare(node, common)
            lost.update(dict.fromkeys(findings.lost))
            if not findings.is_whole:
                damage.findings[node] = findings
        damage.links = sorted(lost)
        damage.deviations = tell(self._wanted, damage)
        return damage

    def _compare(self, node: int, common: Found) -> NodeFindings:
        plan = self._wanted.plan
        topology, switch = plan.topology, is_switch(plan, node)
        settings, ports = self._wanted.node(node)
        found, ipv6, router = common, topology.pools.ipv6 is not None, plan.forwarding.is_router(node)
        if not switch:
            self._store.go(topology.names[node])
            found = read_here(Wish(ipv6=ipv6, neighbours=bool(settings.neighbours), forwarding=router))
        kept = {port.number for port in ports if port.name in self._interfaces}
        families = (messages.AF_INET, messages.AF_INET6) if ipv6 else (messages.AF_INET,)
        bridged = plan.forwarding.has_bridge(node) and not plan.namespaces.shared[node]
        if switch:
            bridged = topology.node_profile_of(node).switch == "bridge"
        return NodeComparison(
            _numbered(settings, plan_devices(self._wanted, node, ports), found),
            [_as_found(port, found, known=port.number in kept) for port in ports],
            found,
            bridge=bridge_name(topology, node) if bridged else "",
            options=_BY_BRCTL,
            roles=bridged,
            layer3=not switch,
            exact_queues=False,
            forwards=families if router else (),
        ).findings()


def plan_devices(wanted: WantedState, node: int, ports: list[WantedPort]) -> Mapping[int, str]:
    """Return {port: name of its interface}, the bridge and the loopback too."""
    topology = wanted.plan.topology
    numbers = {port.number: port.name for port in ports}
    return numbers | {extra: device(topology, node, extra) for extra in (BRIDGE_PORT, LOOPBACK_PORT)}


def _numbered(settings: NodeSettings, names: Mapping[int, str], found: Found) -> NodeSettings:
    """Return `settings` with the indices that the kernel gave; 0 for interfaces that aren't there."""

    def index(port: int) -> int:
        there = found.interfaces.get(names.get(port, ""))
        return there.ifindex if there else 0

    return replace(settings, index=index)


def _as_found(port: WantedPort, found: Found, *, known: bool) -> WantedPort:
    """Return `port` with the kernel's numbers; with impossible ones where Mininet doesn't know it."""
    there = found.interfaces.get(port.name)
    if there is None or not known:
        return replace(port, settings=port.settings._replace(interface=-1))
    return replace(port, peer=there.peer, settings=port.settings._replace(interface=there.ifindex))


def strays_and_left(findings: NodeFindings, ports: Mapping[int, str]) -> tuple[list[str], list[str]]:
    """Return the names of the ports that must leave their bridge, and of those that must join it."""
    changed = [
        (ports[number], findings.wanted.ports[number].role)
        for number, found in findings.found.ports.items()
        if found.role != findings.wanted.ports[number].role
    ]
    left = [name for name, role in changed if role == Role.BRIDGED]
    return [name for name, role in changed if role != Role.BRIDGED], left
