"""Find what a running network lacks, by looking at the kernel, and give it back.

For after a stress run that was killed: whatever it had taken down is known from the plan, not from
what the dead process remembered.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass, field

import numpy as np

from emulator.difference import Difference
from emulator.linux import messages
from emulator.linux.converge import converge
from emulator.linux.link_messages import LinkMessages
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.netlink import Batch, Netlink
from emulator.linux.partial_routes import run_partly
from emulator.plan import Plan
from topologies.identifiers import interface_name

_INDEX_AND_FLAGS = struct.Struct("=4xiI")


@dataclass
class Damage:
    """What is missing: nodes, links (by index), and ports (node, port) that are down."""

    nodes: list[int] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    ports: list[tuple[int, int]] = field(default_factory=list)

    def words(self, plan: Plan) -> list[str]:
        """Return what is missing, a line each, for people."""
        topology = plan.topology
        names = topology.names
        lines = [f"node {names[node]} is missing" for node in self.nodes]
        for link in self.links:
            a, b = topology.ends[link].tolist()
            lines.append(f"link {names[a]} -- {names[b]} is missing")
        return lines + [f"port {interface_name(topology, *port)} is down" for port in self.ports]


def find_damage(plan: Plan, store: NamespaceStore, down: frozenset[int] = frozenset()) -> Damage:
    """Compare every node of `plan` with the kernel. Call inside the store's mount namespace.

    Links in `down` are meant to be down.
    """
    topology = plan.topology
    names = topology.names
    damage = Damage()
    present = set(store.nodes())
    missing_links: dict[int, None] = {}
    for node in range(topology.node_count):
        slots = topology.slots(node)
        if names[node] not in present:
            damage.nodes.append(node)
            missing_links.update(dict.fromkeys(slot >> 1 for slot in slots))
            continue
        store.go(names[node])
        with Netlink() as netlink:
            found = dict(_links(netlink))
        for slot in slots:
            link, port = slot >> 1, int(topology.ports[slot >> 1, slot & 1])
            flags = found.get(plan.indices.ends[link][slot & 1])
            if flags is None:
                missing_links[link] = None
            elif not flags & messages.IFF_UP and link not in down:
                damage.ports.append((node, port))
    damage.links = sorted(missing_links)
    return damage


def _links(netlink: Netlink) -> list[tuple[int, int]]:
    return [_INDEX_AND_FLAGS.unpack_from(body) for _, body in netlink.dump(messages.link_dump())]


def repair(plan: Plan, store: NamespaceStore, damage: Damage) -> None:
    """Give back what `damage` says is missing. Call inside the store's mount namespace."""
    topology = plan.topology
    mask = np.zeros(topology.link_count, dtype=bool)
    mask[damage.links] = True
    lost = set(damage.nodes)
    halves = [
        (topology.names[node], index)
        for link in damage.links
        for node, index in zip(topology.ends[link].tolist(), plan.indices.ends[link], strict=True)
        if node not in lost
    ]
    change = Difference(new_nodes=damage.nodes, new_links=mask, gone_links=halves)
    converge(plan, change, store, partly=True)
    writer = LinkMessages(plan)
    for node, port in damage.ports:
        batch = Batch()
        name = interface_name(topology, node, port)
        batch.add(messages.link_up(plan.indices.of(node, port)), "bring up", name)
        writer.after_up(batch, node, port)
        store.go(topology.names[node])
        with Netlink() as netlink:
            run_partly(netlink, plan, node, batch, frozenset({errno.EEXIST}))
