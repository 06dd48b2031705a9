"""Spanning tree, computed: the graph is known, so no protocol has to find it in 30 seconds.

Breadth-first from the switch farthest from all hosts (the core of a fabric, where a network
engineer would put the root bridge of IEEE 802.1D), so that every path to the root is a shortest
one. Of parallel links the first is kept. Links that are down are left out, so that the tree of
what is left can be computed again when a link fails.

Breadth-first search runs level by level on whole arrays (a frontier a step): a million nodes take
a fraction of a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.topology import Kind, Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def bridging_nodes(topology: Topology) -> Bools:
    """Return which nodes pass frames on (bool[n]): switches, and hosts that relay."""
    relays = np.array([profile.relay for profile in topology.node_profiles])[topology.node_profile]
    passes: Bools = (topology.kinds == Kind.SWITCH) | ((topology.kinds == Kind.HOST) & relays)
    return passes


def tree_links(topology: Topology, up: Bools | None = None) -> Bools:
    """Return which links may carry frames (bool[m]): all but those that close a loop or are down.

    `up` says which links are up; None means all.
    """
    alive = np.ones(topology.link_count, dtype=bool) if up is None else up.copy()
    bridging = bridging_nodes(topology)
    inner = alive & bridging[topology.ends[:, 0]] & bridging[topology.ends[:, 1]]
    links = np.flatnonzero(inner)
    if not len(links):
        return alive
    keep = alive & ~inner
    keep[links[_forest(topology, links, bridging)]] = True
    return keep


def _forest(topology: Topology, links: Ints, bridging: Bools) -> Ints:
    """Return which of `links` (positions in it) form a breadth-first forest over the bridging nodes."""
    graph = _Adjacency(topology.ends[links].astype(np.int64), topology.node_count)
    depth = _distance_from_hosts(topology, graph)
    parent = np.full(topology.node_count, -2, dtype=np.int64)
    parent[~bridging] = -1
    isolated = bridging & (graph.degree == 0)
    parent[isolated] = -1
    roots = np.flatnonzero(bridging & ~isolated)
    for root in roots[np.argsort(-depth[roots], kind="stable")].tolist():
        if parent[root] == -2:
            parent[root] = -1
            _grow(graph, np.array([root]), parent)
    return parent[parent >= 0]


def _grow(graph: _Adjacency, frontier: Ints, parent: Ints) -> None:
    """Breadth-first from `frontier`: writes into `parent` the link by which each node was reached."""
    while len(frontier):
        nodes, links = graph.around(frontier)
        fresh = parent[nodes] == -2
        nodes, links = nodes[fresh], links[fresh]
        order = np.argsort(nodes, kind="stable")
        first = order[_changes(nodes[order])]
        frontier = nodes[first]
        parent[frontier] = links[first]


def _distance_from_hosts(topology: Topology, graph: _Adjacency) -> Ints:
    """Return each node's hop distance from the nearest host-bearing node: int64[n]."""
    distance = np.full(topology.node_count, -1, dtype=np.int64)
    hosts = topology.kinds == Kind.HOST
    a, b = topology.ends[:, 0], topology.ends[:, 1]
    frontier = _ascending(np.concatenate([b[hosts[a]], a[hosts[b]]]).astype(np.int64))
    level = 0
    while len(frontier):
        distance[frontier] = level
        nodes, _ = graph.around(frontier)
        frontier = _ascending(nodes[distance[nodes] < 0])
        level += 1
    return distance


def _ascending(values: Ints) -> Ints:
    """Return the different values, ascending: np.unique, which imports numpy.ma (20 ms) at its first call."""
    values = np.sort(values)
    return values[_changes(values)]


def _changes(values: Ints) -> Bools:
    """Return where ascending values differ from the one before: bool[k]."""
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


class _Adjacency:
    """Compressed adjacency of a list of links: int64[k, 2]."""

    def __init__(self, ends: Ints, node_count: int) -> None:
        flat = ends.ravel()
        self.degree = np.bincount(flat, minlength=node_count)
        self._start = np.concatenate([[0], np.cumsum(self.degree)])
        self._slot = np.argsort(flat, kind="stable")
        self._other = ends[:, ::-1].ravel()

    def around(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Return (neighbours, link positions) over all links at `nodes`, in node and link order."""
        counts = self.degree[nodes]
        offsets = np.repeat(self._start[nodes] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        slots = self._slot[np.arange(int(counts.sum())) + offsets]
        return self._other[slots], slots // 2
