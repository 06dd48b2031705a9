"""Interface indices: computed from the plan, so that nothing is ever read back from the kernel.

A node in a namespace of its own numbers its ports from 10 on. The switches of Open vSwitch share one
namespace, as the daemon sees one only: there a port's index comes from its name, which is unique in
the network and doesn't change when other nodes come and go. They start at 2^30, so that no
index of a namespace of its own is one of theirs (kernels before 6.15 need that, see `node_messages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self
from zlib import crc32

import numpy as np

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from topologies.identifiers import port_name
from topologies.openflow import ovs_nodes
from topologies.topology import Topology

LOOPBACK_INDEX = 1
BRIDGE_INDEX = 2
_FIRST_PORT_INDEX = 10
_SHARED = 1 << 30


def port_index(port: int) -> int:
    """Return the index of a port, its bridge or its loopback in a node with a namespace of its own."""
    if port == BRIDGE_PORT:
        return BRIDGE_INDEX
    if port == LOOPBACK_PORT:
        return LOOPBACK_INDEX
    return _FIRST_PORT_INDEX + port


class PortIndices:
    """The indices of all ports of a topology.

    `ends` holds those of all links, [m][2]; `shared` [n] which nodes are in the shared namespace.
    """

    def __init__(self, topology: Topology) -> None:
        shared = ovs_nodes(topology)
        self.shared: list[bool] = shared.tolist()
        ends = topology.ports.astype(np.int64) + _FIRST_PORT_INDEX
        self._of_shared: dict[tuple[int, int], int] = {}
        if shared.any():
            here = np.argwhere(shared[topology.ends])
            keys = [(int(topology.ends[link, end]), int(topology.ports[link, end])) for link, end in here]
            self._of_shared = _by_name(topology, keys)
            ends[here[:, 0], here[:, 1]] = [self._of_shared[key] for key in keys]
        self.ends: list[list[int]] = ends.tolist()

    def part(self, links: Sequence[int]) -> Self:
        """Return those of some links only, renumbered from 0 on."""
        part = copy(self)
        part.ends = [self.ends[link] for link in links]
        return part

    def of(self, node: int, port: int) -> int:
        """Return the index of `port` of `node`."""
        return self._of_shared.get((node, port)) or port_index(port)


def _by_name(topology: Topology, keys: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the index of each (node, port): 2^30 + crc32 of its name mod 2^30, or the next free one."""
    names = sorted((port_name(topology.names[node], node, port), node, port) for node, port in keys)
    out: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for name, node, port in names:
        number = crc32(name.encode()) % _SHARED
        while number in taken:
            number = (number + 1) % _SHARED
        taken.add(number)
        out[node, port] = _SHARED + number
    return out
