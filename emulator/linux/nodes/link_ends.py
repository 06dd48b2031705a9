"""Columns of link-end data for messages."""

from __future__ import annotations

import numpy as np

from emulator.forwarding.base import Role
from emulator.indices import BRIDGE_INDEX
from emulator.linux.nodes.creation_order import MakingOrder
from emulator.plan_part import PlanPart
from topologies.identifiers import mac, port_name
from topologies.profiles import Shape


class LinkEnds:
    """Ends of the links and tunnels of `part`, by their rows: `port[row][end]` and so on.

    `node` is the node's row, -1 on another machine. `name` and `index` are the interface's. `master` is the
    index of the interface's bridge, 0 for none. `shape` is None for a plain link. Per link: `mtu`,
    `is_down`, and `newer_is_main` and `second_batch` of the `MakingOrder`. Per node: `turn` of the
    `MakingOrder`. Rows from `first_tunnel` on are tunnels.

    The columns are lists, not arrays. Reading a number from a list takes a tenth of the time, and all
    messages of a node together take only 12 µs.
    """

    def __init__(self, part: PlanPart, order: MakingOrder) -> None:
        topology, profile = part.topology, part.topology.link_profile[part.wires]
        shared = np.array([*part.shared, False], dtype=bool)[part.wire_ends]
        self._topology = topology
        self._nodes: list[int] = part.nodes.tolist()
        self.node: list[list[int]] = part.wire_ends.tolist()
        self.port: list[list[int]] = topology.ports[part.wires].tolist()
        self.name = [
            [
                port_name(topology, part.names[at], self._nodes[at], port) if at >= 0 else ""
                for at, port in zip(*pairs, strict=True)
            ]
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
        self.newer_is_main: list[bool] = order.newer_is_main.tolist()
        self.second_batch: list[bool] = order.second_batch.tolist()
        self.turn: list[int] = [
            *order.turn.tolist(),
            len(order.turn),
        ]  # the last one: node on another machine
        self.first_tunnel = len(part.links)
        start, slots = part.incidence
        self._start: list[int] = start.tolist()
        self._slots: list[int] = slots.tolist()

    def at(self, node_row: int) -> list[tuple[int, int]]:
        """Return the (link row, end) of each link end at a node."""
        slots = self._slots[self._start[node_row] : self._start[node_row + 1]]
        return [(slot >> 1, slot & 1) for slot in slots]

    def is_to_older(self, row: int, end: int) -> bool:
        """Return whether the node at `end` is newer than the node at the other end."""
        nodes = self.node[row]
        return self.turn[nodes[end]] > self.turn[nodes[1 - end]]

    def mac(self, row: int, end: int) -> bytes:
        """Return the MAC of the interface."""
        return mac(self._topology, self._nodes[self.node[row][end]], self.port[row][end])

    def owner(self, row: int, end: int) -> int:
        """Return the node of the end."""
        return self._nodes[self.node[row][end]]
