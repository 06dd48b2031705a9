"""Columns with the data of link ends that messages need."""

from __future__ import annotations

import numpy as np

from emulator.forwarding.base import Role
from emulator.indices import BRIDGE_INDEX
from emulator.linux.making_order import MakingOrder
from emulator.plan_part import PlanPart
from topologies.identifiers import mac, port_name
from topologies.profiles import Shape


class LinkEnds:
    """The ends of the links of `part`, by the links' places: `port[place][end]` and so on.

    `node` are positions; `name` and `index` the interface's; `master` the index of the bridge that it is a
    port of, 0 for none; `shape` None where it is plain. Per link: `mtu`; `is_down`; `here` and `late` of
    its `MakingOrder`. Per node: `when` of the same.

    Lists and not arrays: a number out of a list costs a tenth of one out of an array, and a node's
    messages take 12 µs in all.
    """

    def __init__(self, part: PlanPart, order: MakingOrder) -> None:
        topology, profile = part.topology, part.topology.link_profile[part.links]
        shared = np.array(part.shared, dtype=bool)[part.ends]
        self._topology = topology
        self._nodes: list[int] = part.nodes.tolist()
        self.node: list[list[int]] = part.ends.tolist()
        self.port: list[list[int]] = topology.ports[part.links].tolist()
        self.name = [
            [port_name(part.names[at], self._nodes[at], port) for at, port in zip(*pairs, strict=True)]
            for pairs in zip(self.node, self.port, strict=True)
        ]
        self.index = part.indices.ends
        self.role: list[list[int]] = part.roles.tolist()
        self.master: list[list[int]] = np.where(
            (part.roles == Role.BRIDGED) & ~shared, BRIDGE_INDEX, 0
        ).tolist()
        profiles = topology.link_profiles
        shapes = [tuple(None if s.is_plain else s for s in (p.forward, p.backward)) for p in profiles]
        mtus = [profile.effective_mtu for profile in profiles]
        self.shape: list[tuple[Shape | None, ...]] = [shapes[number] for number in profile.tolist()]
        self.mtu: list[int] = [mtus[number] for number in profile.tolist()]
        self.is_down = part.down
        self.here: list[bool] = order.here.tolist()
        self.late: list[bool] = order.late.tolist()
        self.when: list[int] = order.when.tolist()
        start, slots = part.incidence
        self._start: list[int] = start.tolist()
        self._slots: list[int] = slots.tolist()

    def at(self, position: int) -> list[tuple[int, int]]:
        """Return the (place, end) of each link end at a node."""
        slots = self._slots[self._start[position] : self._start[position + 1]]
        return [(slot >> 1, slot & 1) for slot in slots]

    def is_to_older(self, place: int, end: int) -> bool:
        """Return whether the node at `end` is newer than that at the other end."""
        nodes = self.node[place]
        return self.when[nodes[end]] > self.when[nodes[1 - end]]

    def mac(self, place: int, end: int) -> bytes:
        """Return the MAC of the interface."""
        return mac(self._topology, self._nodes[self.node[place][end]], self.port[place][end])

    def owner(self, place: int, end: int) -> int:
        """Return the node that the end is at."""
        return self._nodes[self.node[place][end]]
