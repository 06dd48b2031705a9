"""Compare a running Mininet network with its plan: in the kernel, and in what Mininet knows.

Mininet lets the kernel number interfaces, so they are compared by name. Its switches are all in one
namespace. The details of a shape are up to Mininet: the comparison only checks that a link is shaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from emulator.engines.driven.client import Driver
from emulator.engines.driven.node_lines import device, is_switch, program_name
from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.observed.compare import NodeComparison
from emulator.linux.observed.findings import NodeFindings
from emulator.linux.observed.parse import Found
from emulator.linux.observed.survey import Survey
from emulator.linux.observed.wanted import WantedPort, WantedState
from emulator.node_settings import NodeSettings
from topologies.identifiers import bridge_name

_BY_BRCTL = {"stp_state": 0, "vlan_filtering": 0}
"""The options of a bridge that Mininet determines."""


class MininetSurvey(Survey):
    """Compares every node with the kernel, and with Mininet's own view."""

    def __init__(self, wanted: WantedState, driver: Driver, store: NamespaceStore) -> None:
        super().__init__(wanted, store)
        (known,) = driver.ask(("info", {}))
        self._nodes, self._interfaces = frozenset(known["nodes"]), frozenset(known["interfaces"])

    def is_known(self, node: int) -> bool:
        """Return whether Mininet knows the node."""
        return program_name(self.wanted.plan, node) in self._nodes

    def comparison(
        self, node: int, settings: NodeSettings, ports: list[WantedPort], found: Found
    ) -> NodeComparison:
        """Return the comparison of the node, with the indices that the kernel gave its interfaces."""
        plan = self.wanted.plan
        topology, switch = plan.topology, is_switch(plan, node)
        bridged = plan.forwarding.has_bridge(node) and not plan.namespaces.of_daemon[node]
        if switch:
            bridged = topology.node_profile_of(node).switch == "bridge"
        return NodeComparison(
            _numbered(settings, plan_devices(self.wanted, node, ports), found),
            [_as_found(port, found, known=port.name in self._interfaces) for port in ports],
            found,
            bridge=bridge_name(topology, node) if bridged else "",
            options=_BY_BRCTL,
            membership=bridged,
            layer3=not switch,
            exact_queues=False,
            forwards=self.forwards(node),
        )


def plan_devices(wanted: WantedState, node: int, ports: list[WantedPort]) -> Mapping[int, str]:
    """Return {port: name of its interface}, including the bridge and the loopback."""
    topology = wanted.plan.topology
    numbers = {port.number: port.name for port in ports}
    return numbers | {extra: device(topology, node, extra) for extra in (BRIDGE_PORT, LOOPBACK_PORT)}


def _numbered(settings: NodeSettings, names: Mapping[int, str], found: Found) -> NodeSettings:
    """Return `settings` with the kernel's interface indices; 0 for missing interfaces."""

    def index(port: int) -> int:
        there = found.interfaces.get(names.get(port, ""))
        return there.ifindex if there else 0

    return replace(settings, index=index)


def _as_found(port: WantedPort, found: Found, *, known: bool) -> WantedPort:
    """Return `port` with the kernel's indices, or with impossible ones if Mininet doesn't know the port."""
    there = found.interfaces.get(port.name)
    if there is None or not known:
        return replace(port, settings=port.settings._replace(interface=-1))
    return replace(port, peer=there.peer, settings=port.settings._replace(interface=there.ifindex))


def strays_and_left(findings: NodeFindings, ports: Mapping[int, str]) -> tuple[list[str], list[str]]:
    """Return the names of the ports that must leave their bridge, and of those that must join theirs."""
    changed = [
        (ports[number], findings.wanted.ports[number].bridged)
        for number, found in findings.found.ports.items()
        if found.bridged != findings.wanted.ports[number].bridged
    ]
    return [name for name, bridged in changed if not bridged], [name for name, bridged in changed if bridged]
