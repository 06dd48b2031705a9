"""`PlanPart`: some nodes and links of a plan, for example one machine's share.

A part is a mask over the whole graph, not a graph of its own. It has the whole graph's indices of nodes and
links, so also its names, MACs, addresses, interface names, interface indices and routes. A part computes
these for its own nodes and links only: a machine that holds 20,000 of a million nodes computes 20,000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.forwarding.protocol import Forwarding
from emulator.indices import PortIndices
from emulator.node_namespaces import NodeNamespaces
from emulator.tunnels import TunnelEnd, Underlay
from topologies.addressing import AddressColumns
from topologies.topology import I32, I64, Topology

Bools = npt.NDArray[np.bool_]


class Tunnels(NamedTuple):
    """Links from a machine to others, ascending.

    `link` int64[t]; `end` int64[t], the end on this machine; `worker` int32[t, 2], the workers of both ends;
    `rank` int64[t], the number of the link among all links between workers.
    """

    link: I64
    end: I64
    worker: I32
    rank: I64

    def among(self, links: I64) -> Tunnels:
        """Return those of `links`."""
        kept = np.isin(self.link, links)
        return Tunnels(self.link[kept], self.end[kept], self.worker[kept], self.rank[kept])


class EndHere(NamedTuple):
    """An end of a link on this machine: 0 or 1, its node and port, and the index of its interface."""

    end: int
    node: int
    port: int
    ifindex: int


@dataclass(frozen=True)
class PlanPart:
    """Some nodes (int64[k]) and links (int64[l]) of the whole graph, ascending.

    Each of `links` has both ends among `nodes`. Each of `tunnels` has one end there. `up` marks the links of
    the whole graph that are up (bool[m]; None: all). `parent` is the part that contains this one; both have
    the same interface indices. `underlay` carries the tunnels.

    A node's row is its index in `nodes`. A link's row is its index in `links`; tunnels follow with the next
    rows.
    """

    topology: Topology
    forwarding: Forwarding
    namespaces: NodeNamespaces
    up: Bools | None
    nodes: I64
    links: I64
    tunnels: Tunnels
    parent: PlanPart | None = None
    underlay: Underlay | None = None

    def only(self, nodes: I64, links: I64) -> PlanPart:
        """Return the part with only some nodes, and some links and tunnels, of this one; both ascending."""
        inner, tunnels = links, self.tunnels.among(links)
        if len(tunnels.link):
            inner = np.setdiff1d(links, tunnels.link)
        return replace(self, nodes=nodes, links=inner, tunnels=tunnels, parent=self)

    @cached_property
    def wires(self) -> I64:
        """Links and tunnels, by row: int64[l + t]."""
        return np.concatenate([self.links, self.tunnels.link])

    @property
    def has_all_nodes(self) -> bool:
        """True when the part has every node of the graph."""
        return len(self.nodes) == self.topology.node_count

    @cached_property
    def node_row(self) -> range | dict[int, int]:
        """The row of each node."""
        count = len(self.nodes)
        return (
            range(count) if self.has_all_nodes else dict(zip(self.nodes.tolist(), range(count), strict=True))
        )

    @cached_property
    def link_row(self) -> range | dict[int, int]:
        """The row of each link and tunnel."""
        rows = range(len(self.wires))
        if len(self.links) == self.topology.link_count:
            return rows
        return dict(zip(self.wires.tolist(), rows, strict=True))

    @cached_property
    def names(self) -> list[str]:
        """The names of the nodes, by row."""
        return self.topology.names.take(self.nodes)

    @cached_property
    def shared(self) -> list[bool]:
        """Nodes in a namespace that isn't their own, by row."""
        return self.namespaces.shared[self.nodes].tolist()  # type: ignore[no-any-return]

    @cached_property
    def ends(self) -> I64:
        """Rows of the nodes at both ends of each link: int64[l, 2]."""
        ends = self.topology.ends[self.links].astype(np.int64)
        return ends if self.has_all_nodes else np.searchsorted(self.nodes, ends)

    @cached_property
    def tunnel_rows(self) -> I64:
        """Rows of the nodes at the tunnels' ends on this machine: int64[t]."""
        return np.searchsorted(self.nodes, self.topology.ends[self.tunnels.link, self.tunnels.end])

    @cached_property
    def wire_ends(self) -> I64:
        """Rows of the nodes at both ends of each link and tunnel, -1 on other machines: int64[l + t, 2]."""
        beyond = np.full((len(self.tunnels.link), 2), -1, dtype=np.int64)
        beyond[np.arange(len(beyond)), self.tunnels.end] = self.tunnel_rows
        return np.concatenate([self.ends, beyond])

    @cached_property
    def incidence(self) -> tuple[I64, I64]:
        """Ends of links and tunnels at each node, compressed as in the topology: int64[k + 1], int64[2l + t].

        Tunnels without an underlay aren't created, and left out.
        """
        ends = (self.ends if self.underlay is None else self.wire_ends).ravel()
        start = np.zeros(len(self.nodes) + 1, dtype=np.int64)
        np.cumsum(np.bincount(ends[ends >= 0], minlength=len(self.nodes)), out=start[1:])
        return start, np.argsort(ends, kind="stable")[np.count_nonzero(ends < 0) :]

    @cached_property
    def tunnel_counts(self) -> I64:
        """Number of tunnels at each node, by row: int64[k]."""
        return np.bincount(self.tunnel_rows, minlength=len(self.nodes))

    @cached_property
    def tunnel_ends(self) -> list[TunnelEnd]:
        """Ends of the tunnels on this machine, in their order; none without an underlay."""
        if self.underlay is None:
            return []
        columns = zip(*(column.tolist() for column in self.tunnels[1:]), strict=True)
        return [self.underlay.end(rank, pair[end], pair[1 - end]) for end, pair, rank in columns]

    def tunnel(self, link: int) -> TunnelEnd | None:
        """Return this machine's end of the tunnel `link`; None when it isn't a tunnel, or has no underlay."""
        at = self.link_row[link] - len(self.links)
        return self.tunnel_ends[at] if at >= 0 and self.tunnel_ends else None

    def has(self, node: int) -> bool:
        """Return whether `node` is in this part."""
        return self.has_all_nodes or node in self.node_row

    def ends_here(self, link: int) -> list[EndHere]:
        """Return the ends of `link` on this machine; none of links elsewhere."""
        row = link if isinstance(self.link_row, range) else self.link_row.get(link, -1)
        if row < 0:
            return []
        return [
            EndHere(end, int(self.topology.ends[link, end]), int(self.topology.ports[link, end]), index)
            for end, index in enumerate(self.indices.ends[row])
            if row < len(self.links) or end == self.tunnels.end[row - len(self.links)]
        ]

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of both ends of each link and tunnel: uint8[l + t, 2]."""
        return self.forwarding.roles[self.wires]

    @cached_property
    def down(self) -> frozenset[int]:
        """Rows of the links and tunnels that are down."""
        return frozenset(() if self.up is None else np.flatnonzero(~self.up[self.wires]).tolist())

    @cached_property
    def indices(self) -> PortIndices:
        """Interface indices of the ports of the links and tunnels, by row."""
        if self.parent is not None:
            row = self.parent.link_row
            return self.parent.indices.part([row[link] for link in self.wires.tolist()])
        here = np.ones((len(self.wires), 2), dtype=bool)
        here[np.arange(len(self.links), len(here)), 1 - self.tunnels.end] = False
        tunnels = self.underlay is not None
        return PortIndices(self.topology, self.namespaces, self.wires, here, tunnels=tunnels)

    @cached_property
    def addresses(self) -> AddressColumns:
        """The addresses of the nodes."""
        return self.forwarding.address_columns(self.nodes)


def whole_part(
    topology: Topology, forwarding: Forwarding, namespaces: NodeNamespaces, up: Bools | None,
    underlay: Underlay | None = None,
) -> PlanPart:  # fmt: skip
    """Return the part with every node and link; with an `underlay`, links between workers are tunnels."""
    nodes, links = np.arange(topology.node_count), np.arange(topology.link_count)
    return PlanPart(topology, forwarding, namespaces, up, nodes, links, _no_tunnels(), underlay=underlay)


def worker_part(whole: PlanPart, worker: int) -> PlanPart:
    """Return the part of one worker (its number), with its tunnels to others."""
    placement = whole.namespaces.worker
    nodes = np.flatnonzero(placement == worker)
    workers = placement[whole.topology.ends]
    between = workers[:, 0] != workers[:, 1]
    here = workers == worker
    cut = np.flatnonzero(between & here.any(axis=1))
    tunnels = Tunnels(
        cut, np.asarray(here[cut, 1], dtype=np.int64), workers[cut], np.cumsum(between)[cut] - 1
    )
    links = np.flatnonzero(here.all(axis=1))
    return replace(whole, nodes=nodes, links=links, tunnels=tunnels)


def _no_tunnels() -> Tunnels:
    none = np.zeros(0, dtype=np.int64)
    return Tunnels(none, none, np.zeros((0, 2), dtype=np.int32), none)
