"""Addresses of every node by port, flat or routed, for exports and pictures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import numpy as np

from topologies.addressing import FlatAddressing, RoutedAddressing
from topologies.segments import is_routed
from topologies.topology import Topology


def _text(version: int, value: int) -> str:
    return str((ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(value))


class Addresses:
    """Addresses in CIDR form; the port 0xffff is a node's bridge, 0xfffe its loopback."""

    def __init__(self, topology: Topology) -> None:
        self._flat = None if is_routed(topology) else FlatAddressing(topology)
        self._routed: dict[int, list[tuple[int, str]]] = {}
        self._gateways: dict[int, str] = {}
        if self._flat is None:
            self._collect(RoutedAddressing(topology))

    def of(self, node: int) -> list[tuple[int, str]]:
        """Return (port, address) of `node`, by port."""
        if self._flat is None:
            return sorted(self._routed.get(node, ()))
        return [(address.port, f"{address.text}/{address.length}") for address in self._flat.of(node)]

    def gateway(self, node: int) -> str | None:
        """Return the IPv4 address of the default router of `node`, a host; None without one."""
        return self._gateways.get(node)

    def _collect(self, addressing: RoutedAddressing) -> None:
        for node, port, version, value, length in _given_out(addressing):
            self._routed.setdefault(node, []).append((port, f"{_text(version, value)}/{length}"))
        segments = addressing.segments
        members = segments.members
        for member in np.flatnonzero(~members.routes).tolist():
            gateway = int(segments.gateways[members.segment[member]])
            if gateway >= 0:
                text = _text(4, addressing.member_value(4, gateway))
                self._gateways.setdefault(int(members.node[member]), text)


def _given_out(addressing: RoutedAddressing) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (node, port, version, address, prefix length) of all members of segments and ends of wires."""
    segments, topology = addressing.segments, addressing.topology
    members = segments.members
    for version in addressing.versions:
        for member in range(len(members.node)):
            length = addressing.subnet(version, int(members.segment[member])).length
            value = addressing.member_value(version, member)
            yield int(members.node[member]), int(members.port[member]), version, value, length
        for link in np.flatnonzero(segments.wires).tolist():
            for end in (0, 1):
                value = addressing.wire_value(version, link, end)
                node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
                yield node, port, version, value, 31 if version == 4 else 127
