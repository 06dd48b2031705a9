"""Routers in a Mininet script: their addresses, the bridges of their hosts, and their routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.addressing import RoutedAddressing
from topologies.formats.addresses import Addresses
from topologies.formats.static_routes import Routes
from topologies.identifiers import bridge_name, interface_name
from topologies.segments import BRIDGE_PORT, LOOPBACK_PORT, Segments, is_routed
from topologies.topology import Kind, Topology


def mininet_name(topology: Topology, node: int) -> str:
    """Return the name of `node` in Mininet, which derives interface names from it."""
    return bridge_name(topology, node) if topology.kinds[node] == Kind.SWITCH else topology.names[node]


class Routers:
    """The nodes that forward by address; one with several plain hosts has a bridge for them inside."""

    def __init__(self, topology: Topology, routes: Routes | None) -> None:
        self._topology = topology
        self._routes = routes
        self.mask: npt.NDArray[np.bool_] = np.zeros(topology.node_count, dtype=bool)
        self._access: dict[int, list[int]] = {}
        if is_routed(topology):
            segments = Segments(topology)
            self.mask = segments.routers
            inside = (segments.vertices == topology.ends) & self.mask[topology.ends]
            for link, end in np.argwhere(inside).tolist():
                node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
                self._access.setdefault(node, []).append(port)
            self._own = RoutedAddressing(topology)
            self._addresses = Addresses(topology)
        self.nodes: list[int] = np.flatnonzero(self.mask).tolist()

    def addressed(self, node: int, port: int) -> int:
        """Return the port whose address an interface has: the only port of a bridge has the bridge's."""
        return BRIDGE_PORT if self._access.get(node) == [port] else port

    def _device(self, node: int, port: int) -> str:
        access = self._access.get(node, [])
        if port == LOOPBACK_PORT:
            return "lo"
        if port == BRIDGE_PORT and len(access) != 1:
            return bridge_name(self._topology, node)
        return interface_name(self._topology, node, access[0] if port == BRIDGE_PORT else port)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (name, options) of each router."""
        for node in self.nodes:
            options: dict[str, Any] = {}
            loopback = next((a for a in self._own.own(node) if a.version == 4), None)
            if loopback is not None and self._routes is not None:
                options["loopback"] = f"{loopback.text}/{loopback.length}"
            ports = self._access.get(node, [])
            if len(ports) > 1:
                own = {at: text for at, text in self._addresses.of(node) if ":" not in text}
                interfaces = tuple(interface_name(self._topology, node, port) for port in sorted(ports))
                options["bridge"] = (bridge_name(self._topology, node), own[BRIDGE_PORT], interfaces)
            if self._routes is not None:
                options["routes"] = tuple(
                    route.words(lambda port, node=node: self._device(node, port))  # type: ignore[misc]
                    for route in self._routes(node)
                )
            yield mininet_name(self._topology, node), options
