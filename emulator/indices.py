"""Interface indices, computed from the plan, so that nothing is ever read back from the kernel.

A node in its own namespace numbers its ports from 10 on, in steps of two. If both ends of a link have the
same port number, the end at the later-named node takes the odd index. With equal indices at both ends, the
kernel would wait up to a second after the carrier is up before the port sends and forwards
(linkwatch_urgent_event in net/core/link_watch.c compares them).

The switches of Open vSwitch share one namespace, since the daemon sees only one. There a port's index
is derived from its name. The name is unique in the network and doesn't depend on other nodes. If a network
runs on several machines, each has one such namespace. These indices start at 2^30, so that they never equal
an index of a node's own namespace (kernels before 6.15 need that, see `node_messages`).

A port at the end of a tunnel to another machine has the index 2^27 + its usual one. Its device is created
from the machine's own namespace, and kernels before 6.15 take an index for used if it is used there.

Uplinks of compute hosts have the index 2^29 + node, and so have the compute hosts' ends of members' links,
with the number of the member. The programs of the light ports can't tell namespaces
apart: the device's index tells them on which host a port lives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Self
from zlib import crc32

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from emulator.node_namespaces import NodeNamespaces
from topologies.identifiers import interface_name
from topologies.topology import I64, Topology

Bools = npt.NDArray[np.bool_]

LOOPBACK_INDEX = 1
BRIDGE_INDEX = 2
_FIRST_PORT_INDEX = 10
_SHARED = 1 << 30
_UPLINKS = 1 << 29
_TUNNELS = 1 << 27
DEVICE_INDICES = 1 << 28
"""Number of indices for the devices of address spaces; they start at `uplink_index(DEVICE_INDICES)`."""


def port_index(port: int) -> int:
    """Return a port's default index, or that of the bridge or the loopback."""
    if port == BRIDGE_PORT:
        return BRIDGE_INDEX
    if port == LOOPBACK_PORT:
        return LOOPBACK_INDEX
    return _FIRST_PORT_INDEX + 2 * port


def uplink_index(node: int) -> int:
    """Return the index of the uplink of a compute host; unique, as it tells where a port lives."""
    return _UPLINKS + node


class _OfNode(dict[int, int]):
    """Indices of one node's ports, by port: the ones set explicitly, and `port_index` for all others."""

    def __missing__(self, port: int) -> int:
        index = self[port] = port_index(port)
        return index


_USUAL = _OfNode()
"""Indices for every node without explicit ones."""


class PortIndices:
    """Indices of the ports at the ends of `links` (int64[l]), or of all links.

    `ends` holds the indices of both ends of each link, [l][2]. `here` (bool[l, 2]; None: all) marks the ends
    on this machine: for shared namespaces elsewhere no indices are computed. With `tunnels`, links between
    workers are tunnels.
    """

    def __init__(
        self,
        topology: Topology,
        namespaces: NodeNamespaces,
        links: I64 | None = None,
        here: Bools | None = None,
        *,
        tunnels: bool = False,
    ) -> None:
        some = slice(None) if links is None else links
        self._nodes, self._ports = topology.ends[some], topology.ports[some]
        self.ends: list[list[int]] = (2 * self._ports.astype(np.int64) + _FIRST_PORT_INDEX).tolist()
        self._of: dict[int, _OfNode] = {}
        shared = namespaces.shared[self._nodes]
        twins = (self._ports[:, 0] == self._ports[:, 1]) & ~shared.any(axis=1)
        if tunnels:
            workers = namespaces.worker[self._nodes]
            between = workers[:, 0] != workers[:, 1]
            twins &= ~between
            for row, end in np.argwhere(between[:, None] & ~shared).tolist():
                self._set(row, end, _TUNNELS + self.ends[row][end])
        for row in np.flatnonzero(twins).tolist():
            a, b = self._nodes[row].tolist()
            later = int(topology.names[b] > topology.names[a])
            self._set(row, later, self.ends[row][later] + 1)
        carriers = topology.underlay.carriers if topology.full is topology else topology.carriers
        if len(carriers):
            members = range(topology.underlay.node_count, topology.full.node_count)
            self._number_uplinks(np.argwhere(np.isin(self._nodes, carriers)).tolist(), members)
        numbered = shared if here is None else shared & here
        self._number_shared(topology, namespaces, np.argwhere(numbered).tolist())

    def _number_uplinks(self, ends: list[list[int]], members: range) -> None:
        """Set the indices of compute hosts' uplinks, and of their ends of links to `members`.

        They differ from any index at the other end.
        """
        for row, end in ends:
            other = int(self._nodes[row, 1 - end])
            self._set(row, end, uplink_index(other if other in members else int(self._nodes[row, end])))

    def _number_shared(self, topology: Topology, namespaces: NodeNamespaces, ends: list[list[int]]) -> None:
        """Set the indices of shared namespaces' ports: 2^30 + crc32(name) mod 2^30, or the next free one."""
        named = []
        for row, end in ends:
            node, port = int(self._nodes[row, end]), int(self._ports[row, end])
            named.append((interface_name(topology, node, port), row, end, node))
        taken: dict[tuple[int, int], set[int]] = {}
        for name, row, end, node in sorted(named):
            used = taken.setdefault((int(namespaces.worker[node]), int(namespaces.owner[node])), set())
            number = crc32(name.encode()) % _SHARED
            while number in used:
                number = (number + 1) % _SHARED
            used.add(number)
            self._set(row, end, _SHARED + number)

    def _set(self, row: int, end: int, index: int) -> None:
        self.ends[row][end] = index
        of_node = self._of.setdefault(int(self._nodes[row, end]), _OfNode())
        of_node[int(self._ports[row, end])] = index

    def part(self, rows: Sequence[int]) -> Self:
        """Return the indices for some links only, by their rows among all."""
        part = copy(self)
        part.ends = [self.ends[row] for row in rows]
        return part

    def of(self, node: int, port: int) -> int:
        """Return the index of `port` of `node`."""
        return self.at(node)(port)

    def at(self, node: int) -> Callable[[int], int]:
        """Return a function from a port of `node` to its index."""
        return self._of.get(node, _USUAL).__getitem__
