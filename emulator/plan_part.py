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
from topologies.addressing import AddressColumns
from topologies.topology import I32, I64, Topology

Bools = npt.NDArray[np.bool_]


class Tunnels(NamedTuple):
    """Links from a machine to others, ascending.

    `link` int64[t]; `end` int64[t], the end on this machine; `worker` int32[t, 2], the workers of both ends.
    """

    link: I64
    end: I64
    worker: I32


@dataclass(frozen=True)
class PlanPart:
    """Some nodes (int64[k]) and links (int64[l]) of the whole graph, ascending.

    Each of `links` has both ends among `nodes`. Each of `tunnels` has one end there; this part doesn't create
    tunnels. `up` marks the links of the whole graph that are up (bool[m]; None: all). `parent` is the part
    that contains this one; both have the same interface indices.

    A node's row is its index in `nodes`, a link's row its index in `links`.
    """

    topology: Topology
    forwarding: Forwarding
    namespaces: NodeNamespaces
    up: Bools | None
    nodes: I64
    links: I64
    tunnels: Tunnels
    parent: PlanPart | None = None

    def only(self, nodes: I64, links: I64) -> PlanPart:
        """Return the part with only some nodes and links of this one, both ascending."""
        return replace(self, nodes=nodes, links=links, tunnels=_no_tunnels(), parent=self)

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
        """The row of each link."""
        rows = range(len(self.links))
        if len(rows) == self.topology.link_count:
            return rows
        return dict(zip(self.links.tolist(), rows, strict=True))

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
    def incidence(self) -> tuple[I64, I64]:
        """Link ends of each node in compressed form, like the topology's: int64[k + 1], int64[2l]."""
        ends = self.ends.ravel()
        start = np.zeros(len(self.nodes) + 1, dtype=np.int64)
        np.cumsum(np.bincount(ends, minlength=len(self.nodes)), out=start[1:])
        return start, np.argsort(ends, kind="stable")

    @cached_property
    def tunnel_counts(self) -> I64:
        """Number of tunnels at each node, by row: int64[k]."""
        here = self.topology.ends[self.tunnels.link, self.tunnels.end]
        return np.bincount(np.searchsorted(self.nodes, here), minlength=len(self.nodes))

    @cached_property
    def roles(self) -> npt.NDArray[np.uint8]:
        """`Role` of both ends of each link: uint8[l, 2]."""
        return self.forwarding.roles[self.links]

    @cached_property
    def down(self) -> frozenset[int]:
        """Rows of the links that are down."""
        return frozenset(() if self.up is None else np.flatnonzero(~self.up[self.links]).tolist())

    @cached_property
    def indices(self) -> PortIndices:
        """Interface indices of the ports of the links, followed by those of the tunnels."""
        if self.parent is not None:
            return self.parent.indices.part(np.searchsorted(self.parent.links, self.links).tolist())
        links = np.concatenate([self.links, self.tunnels.link])
        here = np.ones((len(links), 2), dtype=bool)
        here[np.arange(len(self.links), len(links)), 1 - self.tunnels.end] = False
        return PortIndices(self.topology, self.namespaces, links, here)

    @cached_property
    def addresses(self) -> AddressColumns:
        """The addresses of the nodes."""
        return self.forwarding.address_columns(self.nodes)


def whole_part(
    topology: Topology, forwarding: Forwarding, namespaces: NodeNamespaces, up: Bools | None
) -> PlanPart:
    """Return the part with every node and link."""
    nodes, links = np.arange(topology.node_count), np.arange(topology.link_count)
    return PlanPart(topology, forwarding, namespaces, up, nodes, links, _no_tunnels())


def worker_part(whole: PlanPart, worker: int) -> PlanPart:
    """Return the part of one worker (its number), with its tunnels to others."""
    placement = whole.namespaces.worker
    nodes = np.flatnonzero(placement == worker)
    here = placement[whole.topology.ends] == worker
    cut = np.flatnonzero(here[:, 0] != here[:, 1])
    tunnels = Tunnels(cut, np.asarray(here[cut, 1], dtype=np.int64), placement[whole.topology.ends[cut]])
    return replace(whole, nodes=nodes, links=np.flatnonzero(here.all(axis=1)), tunnels=tunnels)


def _no_tunnels() -> Tunnels:
    none = np.zeros(0, dtype=np.int64)
    return Tunnels(none, none, np.zeros((0, 2), dtype=np.int32))
