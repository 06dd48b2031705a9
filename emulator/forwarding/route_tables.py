"""The routing table of each router: shortest paths, merged prefixes, and a default route where it is safe.

The default route. Tables shrink most when the default route takes the set of next hops that most prefixes
share ("up" in a fabric). But a default route also matches unused addresses, and destinations that failed
links cut off. Such packets must be dropped and must not loop. So a set may be the default only if each of
its next hops is nearer to a root of the graph than this router is (`RouterGraph.height`). A packet that
only defaults match then gets nearer to a root with each hop. It ends at a root at the latest: a root has
no default route, and ICMP reports "unreachable". Every other route covers exactly existing destinations
(`aggregation`). Existing destinations use the default only where it is their own set of next hops, so no
path changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.aggregation import Prefixes, merged
from emulator.forwarding.destinations import Destinations
from emulator.forwarding.route_columns import RouteColumns
from emulator.forwarding.router_graph import RouterGraph
from emulator.forwarding.shortest_paths import FirstHops, first_hops, members_of, numbered
from topologies.addressing import RoutedAddressing
from topologies.addressing.columns import Numbers
from topologies.segments import BRIDGE_PORT

Ints = npt.NDArray[np.int64]


class RouteTables:
    """Computes the table of one router on request; stores nothing per pair of routers."""

    def __init__(self, addressing: RoutedAddressing, graph: RouterGraph) -> None:
        self._addressing = addressing
        self._graph = graph
        self._destinations = Destinations(addressing, graph)

    def columns(self, router: int) -> RouteColumns:
        """Return the routes of router `router` (its number in the graph), those to its LANs first."""
        paths = first_hops(self._graph, router)
        sets, number = numbered(self._destinations.sets(paths))
        prefixes = self._destinations.prefixes
        prefixes = prefixes._replace(number=number[prefixes.number])
        somewhere = np.asarray(sets.any(axis=1))
        prefixes = prefixes.where(somewhere[prefixes.number])
        places = [members_of(row) for row in sets]
        nodes = self._graph.nodes[router : router + 1]
        parts = [self._on_link(router, nodes)]
        for version in self._addressing.versions:
            family = prefixes.where((prefixes.space == 0) == (version == 4))
            family = family.where(~self._own_wires(version, paths, family))
            default = self._default(router, family, paths, places)
            if default is not None:
                family = family.where(family.number != default)
            few = merged(family)
            prefix, length = self._destinations.spaces.addresses(few)
            first = [] if default is None else [default]
            none = np.zeros(len(first), dtype=np.int64)
            length = np.concatenate([none, length])
            own = self._addressing.own_value(version, int(nodes[0]))
            parts.append(
                RouteColumns(
                    nodes,
                    np.zeros_like(length),
                    np.full(len(length), version, dtype=np.uint8),
                    Numbers.joined([Numbers.from_base(0, none), prefix]),
                    length,
                    Numbers.from_base(own, np.zeros_like(length)),
                    np.concatenate([np.array(first, dtype=np.int64), few.number]),
                    np.cumsum([0, *map(len, places)]),
                    *self._hops(version, paths.hops[np.concatenate([np.arange(0), *places])]),
                )
            )
        return RouteColumns.joined(nodes, parts)

    def _own_wires(self, version: int, paths: FirstHops, family: Prefixes) -> npt.NDArray[np.bool_]:
        """Return which prefixes are a single wire of this router (bool[p]): the kernel adds their routes."""
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
        """Return the most frequent set of next hops among those that lead nearer to a root, if any."""
        height = self._graph.height
        counts = np.bincount(family.number, minlength=len(places))
        for which in np.argsort(-counts, kind="stable").tolist():
            if counts[which] < 2:
                return None
            heads = self._graph.heads[paths.hops[places[which]]]
            if (height[heads] < height[router]).all():
                return int(which)
        return None

    def _on_link(self, router: int, nodes: Ints) -> RouteColumns:
        """Return the routes to the router's LANs; the kernel adds that to its access subnet."""
        members = self._addressing.segments.members
        own = np.array(self._addressing.segments.members_of(int(self._graph.nodes[router])), dtype=np.int64)
        own = own[(members.port[own] != BRIDGE_PORT) & np.isin(own, self._graph.on_lans)]
        versions, segment = self._addressing.versions, members.segment[own]
        subnets = [self._addressing.subnets[version] for version in versions]
        order = np.arange(len(own) * len(versions)).reshape(len(versions), -1).T.ravel()  # member by member
        length = np.concatenate([length[segment] for _, length in subnets])[order]
        none = np.zeros_like(length)
        return RouteColumns(
            nodes,
            none,
            np.tile(np.array(versions, dtype=np.uint8), len(own)),
            Numbers.joined([base.take(segment) for base, _ in subnets]).take(order),
            length,
            Numbers.from_base(0, none),
            np.repeat(np.arange(len(own)), len(versions)),
            np.arange(len(own) + 1),
            members.port[own],
            Numbers.from_base(0, np.zeros_like(own)),
        )

    def _hops(self, version: int, edges: Ints) -> tuple[Ints, Numbers]:
        """Return the (ports, gateways) of the next hops for hops `edges` of the graph."""
        graph, addressing = self._graph, self._addressing
        members, slot = addressing.segments.members, graph.wire[edges]
        wires, lans = np.flatnonzero(slot >= 0), np.flatnonzero(slot < 0)
        port = np.empty_like(edges)
        port[wires] = addressing.topology.ports.ravel()[slot[wires]]
        port[lans] = members.port[graph.port_member[edges[lans]]]
        gateway = Numbers.from_base(0, np.zeros_like(edges))
        gateway.put(wires, addressing.wire_numbers(version, slot[wires] ^ 1))
        gateway.put(lans, addressing.member_numbers[version].take(graph.member[edges[lans]]))
        return port, gateway
