"""Interface indices: computed from the plan, so that nothing is ever read back from the kernel.

A node in a namespace of its own numbers its ports from 10 on, in steps of two. Where the two ends of
a link have the same port number, that of the node whose name comes later takes the odd index: a kernel
that finds one index at both ends takes its time, up to a second, until it lets the port send and
forward once its carrier is there (linkwatch_urgent_event in net/core/link_watch.c compares them).

The switches of Open vSwitch share one namespace, as the daemon sees one only: there a port's index
comes from its name, which is unique in the network and doesn't change when other nodes come and go.
They start at 2^30, so that no index of a namespace of its own is one of theirs (kernels before 6.15
need that, see `node_messages`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Self
from zlib import crc32

import numpy as np

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from topologies.identifiers import interface_name
from topologies.openflow_switches import ovs_nodes
from topologies.topology import Topology

LOOPBACK_INDEX = 1
BRIDGE_INDEX = 2
_FIRST_PORT_INDEX = 10
_SHARED = 1 << 30


def port_index(port: int) -> int:
    """Return the index that a port has as a rule, or that of the bridge or the loopback."""
    if port == BRIDGE_PORT:
        return BRIDGE_INDEX
    if port == LOOPBACK_PORT:
        return LOOPBACK_INDEX
    return _FIRST_PORT_INDEX + 2 * port


class _OfNode(dict[int, int]):
    """The indices of one node's ports, by port: those that were set, and `port_index` of all others."""

    def __missing__(self, port: int) -> int:
        index = self[port] = port_index(port)
        return index


_USUAL = _OfNode()
"""Of all nodes of which none was set."""


class PortIndices:
    """The indices of all ports of a topology.

    `ends` holds those of all links, [m][2]; `shared` [n] which nodes are in the shared namespace.
    """

    def __init__(self, topology: Topology) -> None:
        shared = ovs_nodes(topology)
        self.shared: list[bool] = shared.tolist()
        self.ends: list[list[int]] = (2 * topology.ports.astype(np.int64) + _FIRST_PORT_INDEX).tolist()
        self._of: dict[int, _OfNode] = {}
        twins = topology.ports[:, 0] == topology.ports[:, 1]
        for link in np.flatnonzero(twins & ~shared[topology.ends].any(axis=1)).tolist():
            a, b = topology.ends[link].tolist()
            later = int(topology.names[b] > topology.names[a])
            self._set(topology, link, later, self.ends[link][later] + 1)
        slots = np.argwhere(shared[topology.ends]).tolist()
        for (link, end), index in _by_name(topology, slots):
            self._set(topology, link, end, index)

    def _set(self, topology: Topology, link: int, end: int, index: int) -> None:
        self.ends[link][end] = index
        of_node = self._of.setdefault(int(topology.ends[link, end]), _OfNode())
        of_node[int(topology.ports[link, end])] = index

    def part(self, links: Sequence[int]) -> Self:
        """Return those of some links only, renumbered from 0 on."""
        part = copy(self)
        part.ends = [self.ends[link] for link in links]
        return part

    def of(self, node: int, port: int) -> int:
        """Return the index of `port` of `node`."""
        return self.at(node)(port)

    def at(self, node: int) -> Callable[[int], int]:
        """Return the function that gives the index of a port of `node`."""
        return self._of.get(node, _USUAL).__getitem__


def _by_name(topology: Topology, slots: list[list[int]]) -> Iterator[tuple[list[int], int]]:
    """Yield the index of each (link, end): 2^30 + crc32 of its name mod 2^30, or the next free one."""

    def name(slot: list[int]) -> str:
        link, end = slot
        return interface_name(topology, int(topology.ends[link, end]), int(topology.ports[link, end]))

    taken: set[int] = set()
    for slot in sorted(slots, key=name):
        number = crc32(name(slot).encode()) % _SHARED
        while number in taken:
            number = (number + 1) % _SHARED
        taken.add(number)
        yield slot, _SHARED + number
