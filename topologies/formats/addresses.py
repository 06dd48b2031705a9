"""Addresses of every node by port, flat or routed, for exports and pictures."""

from __future__ import annotations

from ipaddress import IPv4Address

import numpy as np

from topologies.addressing import AddressColumns, FlatAddressing, RoutedAddressing
from topologies.addressing.address import Address
from topologies.segments import is_routed
from topologies.topology import I64, Topology

_WIRE = {4: 31, 6: 127}
"""Prefix length of a link between two routers, by version."""


class Addresses:
    """Addresses in CIDR form; the port 0xffff is a node's bridge. A router's loopback is left out."""

    def __init__(self, topology: Topology) -> None:
        self._vpcs, topology = topology.vpcs, topology.underlay
        self._first = topology.node_count
        nodes = np.arange(topology.node_count)
        self._routed = RoutedAddressing(topology) if is_routed(topology) else None
        if self._routed is None:
            self._columns = FlatAddressing(topology).columns(nodes)
        else:
            self._columns = _on_links(self._routed, nodes)
            self._gateways = _gateways(self._routed)

    def of(self, node: int) -> list[tuple[int, str]]:
        """Return (port, address) of `node`, by port."""
        if node >= self._first and self._vpcs is not None:
            subnet = self._vpcs.subnets[self._vpcs.of_node[node]]
            return [(0, f"{IPv4Address(int(self._vpcs.addresses[node]))}/{subnet.length}")]
        found = [(address.port, f"{address.text}/{address.length}") for address in self._columns.of(node)]
        return found if self._routed is None else sorted(found)

    def gateway(self, node: int) -> str | None:
        """Return the IPv4 address of the default router of `node`, a host; None without one."""
        if node >= self._first or self._routed is None or self._gateways[node] < 0:
            return None
        return Address(0, 4, self._routed.member_value(4, int(self._gateways[node])), 32).text


def _on_links(addressing: RoutedAddressing, nodes: I64) -> AddressColumns:
    """Return the addresses of all members of segments, with the subnet's prefix, and of all ends of wires."""
    members, topology = addressing.segments.members, addressing.topology
    on_segments = [
        (version, addressing.member_numbers[version], length[members.segment])
        for version, (_, length) in addressing.subnets.items()
    ]
    slots = np.flatnonzero(np.repeat(addressing.segments.wires, 2))
    on_wires = [
        (version, addressing.wire_numbers(version, slots), np.full(len(slots), _WIRE[version]))
        for version in addressing.versions
    ]
    node, port = (column.ravel()[slots].astype(np.int64) for column in (topology.ends, topology.ports))
    return AddressColumns.joined(
        nodes,
        [
            AddressColumns.by_version(nodes, members.node, members.port, on_segments),
            AddressColumns.by_version(nodes, node, port, on_wires),
        ],
    )


def _gateways(addressing: RoutedAddressing) -> I64:
    """Return the member that is the default router of each node: int64[n]; -1 without one."""
    segments = addressing.segments
    hosts = np.flatnonzero(~segments.members.routes)
    gateway = segments.gateways[segments.members.segment[hosts]]
    out = np.full(addressing.topology.node_count, -1, dtype=np.int64)
    has = np.flatnonzero(gateway >= 0)[::-1]  # the first of a node's is written last
    out[segments.members.node[hosts[has]]] = gateway[has]
    return out
