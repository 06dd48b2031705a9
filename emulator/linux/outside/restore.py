"""Ways to the machine of nodes that are made again while the network runs."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.outside.lent import lend
from emulator.linux.outside.note import read_note
from emulator.linux.outside.uplinks import put_uplink
from emulator.plan_part import PlanPart
from topologies.outside_nodes import lent_interfaces, uplinked_nodes


def restore_ways(part: PlanPart, store: NamespaceStore, nodes: Iterable[int]) -> None:
    """Give `nodes` their uplinks and interfaces of the machine; call it inside the store's mounts."""
    having = {*uplinked_nodes(part.topology), *lent_interfaces(part.topology)}
    again = {part.topology.names[node] for node in having.intersection(nodes)}
    if again:
        note = read_note(store.folder.parent)
        for uplink in note.uplinks:
            if uplink.node in again:
                put_uplink(uplink, store)
        lend(store, store.folder.parent, note, again)
