"""Addresses of many nodes of a routed network at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.addressing.columns import AddressColumns
from topologies.addressing.routed import RoutedAddressing
from topologies.graph_arrays import gathered
from topologies.segments import BRIDGE_PORT, LOOPBACK_PORT

Ints = npt.NDArray[np.int64]
_BITS = {4: 32, 6: 128}


def routed_columns(addressing: RoutedAddressing, nodes: Ints) -> AddressColumns:
    """Return the addresses of `nodes` (int64[q], ascending).

    A router's own come first, then those on its segments, then those on its links to other routers.
    """
    parts = [_own(addressing, nodes), _on_segments(addressing, nodes), _on_wires(addressing, nodes)]
    return AddressColumns.joined(nodes, parts)


def _own(addressing: RoutedAddressing, nodes: Ints) -> AddressColumns:
    position = np.flatnonzero(addressing.segments.routers[nodes])
    rank = addressing.rank[nodes[position]]
    none = np.zeros(len(position), dtype=np.int64)
    found = [(v, numbers.take(rank), none + _BITS[v]) for v, numbers in addressing.own_numbers.items()]
    return AddressColumns.by_version(nodes, position, none + LOOPBACK_PORT, found)


def _on_segments(addressing: RoutedAddressing, nodes: Ints) -> AddressColumns:
    members = addressing.segments.members
    start, order = addressing.segments.by_node
    position, place = gathered(start, nodes)
    member = order[place]
    port, segment = members.port[member], members.segment[member]
    on_lan = members.routes[member] & (port != BRIDGE_PORT)  # its route to the LAN is one of its table's
    found = [
        (v, addressing.member_numbers[v].take(member), np.where(on_lan, _BITS[v], length[segment]))
        for v, (_, length) in addressing.subnets.items()
    ]
    return AddressColumns.by_version(nodes, position, port, found)


def _on_wires(addressing: RoutedAddressing, nodes: Ints) -> AddressColumns:
    topology = addressing.topology
    start, slots = topology.incidence
    position, place = gathered(start, nodes)
    slot = slots[place]
    wires = addressing.segments.wires[slot // 2]
    position, slot = position[wires], slot[wires]
    none = np.zeros(len(slot), dtype=np.int64)
    found = [(v, addressing.wire_numbers(v, slot), none + _BITS[v] - 1) for v in addressing.versions]
    return AddressColumns.by_version(nodes, position, topology.ports.ravel()[slot].astype(np.int64), found)
