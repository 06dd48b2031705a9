"""Find what a running Mininet network lacks, in the kernel and in Mininet, and give it back."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.document import Document, document, mininet_name
from emulator.engines.mininet.making import Maker
from emulator.engines.mininet.removing import take_away
from emulator.engines.mininet.settings import after_up, is_switch
from emulator.linux import messages
from emulator.linux.interfaces import Interface, interfaces_here
from emulator.linux.namespaces import SHARED, NamespaceStore
from emulator.linux.repair import Damage
from emulator.network import silent
from emulator.ovs.switches import bridges_of
from emulator.plan import Plan
from topologies.identifiers import interface_name


@dataclass
class MininetDamage(Damage):
    """Also ports of Linux bridges: `strays` are in one and close a loop, `left` are not in theirs."""

    strays: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def words(self, plan: Plan) -> list[str]:
        """Return what is missing, a line each, for people."""
        return [
            *super().words(plan),
            *(f"port {name} is in its switch, where it closes a loop" for name in self.strays),
            *(f"port {name} is not in its switch" for name in self.left),
        ]


def find_damage(plan: Plan, driver: Driver, store: NamespaceStore, down: AbstractSet[int]) -> MininetDamage:
    """Compare every node of `plan` with the kernel and with what Mininet knows.

    Call inside the store's mount namespace. Links in `down` are meant to be down.
    """
    topology = plan.topology
    (known,) = driver.ask(("info", {}))
    nodes, interfaces = frozenset(known["nodes"]), frozenset(known["interfaces"])
    pinned = frozenset(store.nodes())
    store.go(SHARED)
    shared = interfaces_here()
    wanted = document(plan, bridges_of(plan))
    damage = MininetDamage()
    lost: dict[int, None] = {}
    for node, name in enumerate(topology.names):
        slots = topology.slots(node)
        if name not in pinned or mininet_name(plan, node) not in nodes:
            damage.nodes.append(node)
            lost.update(dict.fromkeys(slot >> 1 for slot in slots))
            continue
        found: Mapping[str, Interface] = shared
        if not is_switch(plan, node):
            store.go(name)
            found = interfaces_here()
        for slot in slots:
            link, port = slot >> 1, int(topology.ports[slot >> 1, slot & 1])
            interface = interface_name(topology, node, port)
            if interface not in found or interface not in interfaces:
                lost[link] = None
                continue
            if link in down:
                continue
            if not found[interface].flags & messages.IFF_UP:
                damage.ports.append((node, port))
            _note_place(damage, wanted, mininet_name(plan, node), interface, joined=found[interface].joined)
    damage.links = sorted(lost)
    damage.ports = [(node, port) for node, port in damage.ports if not _is_of(plan, node, port, lost)]
    return damage


def _note_place(damage: MininetDamage, wanted: Document, node: str, interface: str, *, joined: bool) -> None:
    """Note a port of a Linux bridge that isn't where the plan has it; other switches keep no such list."""
    if wanted.nodes[node]["kind"] == "bridge" and joined is (interface in wanted.out[node]):
        (damage.strays if joined else damage.left).append(interface)


def _is_of(plan: Plan, node: int, port: int, links: Mapping[int, None]) -> bool:
    topology = plan.topology
    return any(
        slot >> 1 in links and int(topology.ports[slot >> 1, slot & 1]) == port
        for slot in topology.slots(node)
    )


def repair(plan: Plan, driver: Driver, store: NamespaceStore, damage: MininetDamage) -> None:
    """Give back what `damage` says is missing. Call inside the store's mount namespace."""
    wanted = document(plan, bridges_of(plan))
    names = list(wanted.links)
    links = [names[link] for link in damage.links]
    take_away(plan, damage.nodes, links, driver, store)
    Maker(plan, wanted, driver, store, silent).make(damage.nodes, links, partly=True)
    driver.ask(("move", {"out": damage.strays, "into": damage.left, "partly": True}))
    for node, port in damage.ports:
        driver.ask(("port", {"name": interface_name(plan.topology, node, port), "up": True}))
        if not is_switch(plan, node):
            lines = after_up(plan, node)
            driver.ask(("batch", {"name": mininet_name(plan, node), "lines": lines, "harmless": True}))
