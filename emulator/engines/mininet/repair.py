"""Find what a running Mininet network lacks, in the kernel and in Mininet, and give it back."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.document import document, mininet_name
from emulator.engines.mininet.making import Maker
from emulator.engines.mininet.removing import remove_nodes
from emulator.engines.mininet.settings import after_up, is_switch
from emulator.linux import messages
from emulator.linux.interfaces import flags_here
from emulator.linux.namespaces import SHARED, NamespaceStore
from emulator.linux.repair import Damage
from emulator.network import silent
from emulator.ovs.switches import bridges_of
from emulator.plan import Plan
from topologies.identifiers import interface_name


def find_damage(plan: Plan, driver: Driver, store: NamespaceStore, down: AbstractSet[int]) -> Damage:
    """Compare every node of `plan` with the kernel and with what Mininet knows.

    Call inside the store's mount namespace. Links in `down` are meant to be down.
    """
    topology = plan.topology
    (known,) = driver.ask(("info", {}))
    nodes, interfaces = frozenset(known["nodes"]), frozenset(known["interfaces"])
    pinned = frozenset(store.nodes())
    store.go(SHARED)
    shared = flags_here()
    damage = Damage()
    lost: dict[int, None] = {}
    for node, name in enumerate(topology.names):
        slots = topology.slots(node)
        if name not in pinned or mininet_name(plan, node) not in nodes:
            damage.nodes.append(node)
            lost.update(dict.fromkeys(slot >> 1 for slot in slots))
            continue
        found: Mapping[str, int] = shared
        if not is_switch(plan, node):
            store.go(name)
            found = flags_here()
        for slot in slots:
            link, port = slot >> 1, int(topology.ports[slot >> 1, slot & 1])
            interface = interface_name(topology, node, port)
            if interface not in found or interface not in interfaces:
                lost[link] = None
            elif not found[interface] & messages.IFF_UP and link not in down:
                damage.ports.append((node, port))
    damage.links = sorted(lost)
    damage.ports = [(node, port) for node, port in damage.ports if not _is_of(plan, node, port, lost)]
    return damage


def _is_of(plan: Plan, node: int, port: int, links: Mapping[int, None]) -> bool:
    topology = plan.topology
    return any(
        slot >> 1 in links and int(topology.ports[slot >> 1, slot & 1]) == port
        for slot in topology.slots(node)
    )


def repair(plan: Plan, driver: Driver, store: NamespaceStore, damage: Damage) -> None:
    """Give back what `damage` says is missing. Call inside the store's mount namespace."""
    wanted = document(plan, bridges_of(plan))
    names = list(wanted.links)
    (known,) = driver.ask(("info", {}))
    interfaces, nodes = frozenset(known["interfaces"]), frozenset(known["nodes"])
    halves = [names[link] for link in damage.links if names[link] in interfaces]
    driver.ask(("unlink", {"names": halves}))
    remove_nodes(plan, [n for n in damage.nodes if mininet_name(plan, n) in nodes], driver, store)
    Maker(plan, wanted, driver, store, silent).make(
        damage.nodes, [names[link] for link in damage.links], partly=True
    )
    for node, port in damage.ports:
        driver.ask(("port", {"name": interface_name(plan.topology, node, port), "up": True}))
        if not is_switch(plan, node):
            lines = after_up(plan, node)
            driver.ask(("batch", {"name": mininet_name(plan, node), "lines": lines, "harmless": True}))
