"""The routing table of each router: shortest paths, merged prefixes, and a default where it is safe.

The default. Tables shrink most when the set of next hops that most prefixes share is the default
route ("up" in a fabric). A default also catches what it wasn't meant for: addresses nobody has,
and destinations that failed links cut off. These must die and not circle. So a set may be the
default only if each of its next hops is nearer to a root of the graph than this router is
(`RouterGraph.height`). A packet that only defaults match then gets nearer to a root with each hop
and ends, at a root at the latest, where no default is and ICMP says "unreachable". Whatever is
not a default covers exactly destinations that are there (`aggregation`), and for those the
default is used only where it is their own set of next hops: no path changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.aggregation import Prefixes, merged
from emulator.forwarding.base import Hop, Route
from emulator.forwarding.destinations import Destinations
from emulator.forwarding.router_graph import RouterGraph
from emulator.forwarding.shortest_paths import FirstHops, first_hops, members_of, numbered
from topologies.addressing import RoutedAddressing
from topologies.segments import BRIDGE_PORT

Ints = npt.NDArray[np.int64]


def packed(version: int, value: int) -> bytes:
    """Return an address in network byte order."""
    return value.to_bytes(4 if version == 4 else 16)


class RouteTables:
    """Computes the table of one router when asked: nothing is kept per pair of routers."""

    def __init__(self, addressing: RoutedAddressing, graph: RouterGraph) -> None:
        self._addressing = addressing
        self._graph = graph
        self._destinations = Destinations(addressing, graph)

    def of(self, router: int) -> tuple[Route, ...]:
        """Return the routes of router `router` (its number in the graph), links on a LAN first."""
        paths = first_hops(self._graph, router)
        sets, number = numbered(self._destinations.sets(paths))
        prefixes = self._destinations.prefixes
        prefixes = prefixes._replace(number=number[prefixes.number])
        somewhere = np.asarray(sets.any(axis=1))
        prefixes = prefixes.where(somewhere[prefixes.number])
        places = [members_of(row) for row in sets]
        routes = self._on_link(router)
        sources = {
            version: packed(version, self._addressing.own_value(version, int(self._graph.nodes[router])))
            for version in self._addressing.versions
        }
        hops: dict[tuple[int, int], tuple[Hop, ...]] = {}

        def route(version: int, base: bytes, length: int, which: int) -> Route:
            if (version, which) not in hops:
                hops[version, which] = self._hops(version, paths.hops[places[which]])
            return Route(base, length, hops[version, which], sources[version])

        for version in self._addressing.versions:
            family = prefixes.where((prefixes.space == 0) == (version == 4))
            family = family.where(~self._own_wires(version, paths, family))
            default = self._default(router, family, paths, places)
            if default is not None:
                routes.append(route(version, packed(version, 0), 0, default))
                family = family.where(family.number != default)
            few = merged(family)
            for space, key, length, which in zip(*(c.tolist() for c in few), strict=True):
                base, real = self._destinations.spaces.packed(space, key, length)
                routes.append(route(version, base, real, which))
        return tuple(routes)

    def _own_wires(self, version: int, paths: FirstHops, family: Prefixes) -> npt.NDArray[np.bool_]:
        """Return which prefixes are just a wire of this router, bool[p]: the kernel has them connected."""
        addressing = self._addressing
        slots = self._graph.wire[paths.hops]
        links = (slots[slots >= 0] >> 1).tolist()
        length = 31 if version == 4 else 127
        own = [
            self._destinations.spaces.put(version, base, length)
            for base in (
                addressing.wire_value(version, link, int(addressing.owner_end[link])) for link in links
            )
        ]
        if not own:
            return np.zeros(len(family.key), dtype=bool)
        keys = np.array([key for _, key, _ in own], dtype=np.uint64)
        space, _, inside = own[0]
        return np.asarray((family.space == space) & (family.length == inside) & np.isin(family.key, keys))

    def _default(self, router: int, family: Prefixes, paths: FirstHops, places: list[Ints]) -> int | None:
        """Return the set that most prefixes share among those that lead nearer to a root, if any."""
        height = self._graph.height
        counts = np.bincount(family.number, minlength=len(places))
        for which in np.argsort(-counts, kind="stable").tolist():
            if counts[which] < 2:
                return None
            heads = self._graph.heads[paths.hops[places[which]]]
            if (height[heads] < height[router]).all():
                return int(which)
        return None

    def _on_link(self, router: int) -> list[Route]:
        """Return the routes to the LANs that the router is on; its access subnet is the kernel's own."""
        node, segments = int(self._graph.nodes[router]), self._addressing.segments
        attached = set(self._graph.on_lans.tolist()) if len(self._graph.on_lans) else set()
        out = []
        for member in segments.members_of(node):
            port = int(segments.members.port[member])
            if port == BRIDGE_PORT or member not in attached:
                continue
            for version in self._addressing.versions:
                subnet = self._addressing.subnet(version, int(segments.members.segment[member]))
                out.append(Route(packed(version, subnet.base), subnet.length, (Hop(port, None),)))
        return out

    def _hops(self, version: int, edges: Ints) -> tuple[Hop, ...]:
        """Return the next hops that hops `edges` of the graph stand for."""
        graph, addressing = self._graph, self._addressing
        ports, members = addressing.topology.ports, addressing.segments.members
        out = []
        for edge in edges.tolist():
            slot = int(graph.wire[edge])
            if slot >= 0:
                link, end = slot >> 1, slot & 1
                value = addressing.wire_value(version, link, 1 - end)
                out.append(Hop(int(ports[link, end]), packed(version, value)))
            else:
                value = addressing.member_value(version, int(graph.member[edge]))
                out.append(Hop(int(members.port[graph.port_member[edge]]), packed(version, value)))
        return tuple(out)
