"""Computed spanning tree: since the graph is known, no protocol has to find the tree in 30 seconds.

The search is breadth-first from the switch farthest from all hosts. That is the core of a fabric, where a
network engineer would put the root bridge of IEEE 802.1D. So every path to the root is a shortest one. Of
parallel links the first is kept. Links that are down are left out; after a failure the tree can be computed
again from the remaining links.

The search runs level by level on whole arrays, one frontier per step: a million nodes take a fraction of a
second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.topology import Kind, Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def bridging_nodes(topology: Topology) -> Bools:
    """Return which nodes forward frames (bool[n]): switches, and relaying hosts."""
    relays = np.array([profile.relay for profile in topology.node_profiles])[topology.node_profile]
    passes: Bools = (topology.kinds == Kind.SWITCH) | ((topology.kinds == Kind.HOST) & relays)
    return passes


def tree_links(topology: Topology, up: Bools | None = None) -> Bools:
    """Return which links may carry frames (bool[m]): those that are up and don't close a loop.

    `up` marks the links that are up; None means all.
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
    """Return the positions in `links` of those that form a breadth-first forest over the bridging nodes."""
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
    """Search breadth-first from `frontier`; write to `parent` the link over which each node was reached."""
    while len(frontier):
        nodes, links = graph.around(frontier)
        fresh = parent[nodes] == -2
        nodes, links = nodes[fresh], links[fresh]
        order = np.argsort(nodes, kind="stable")
        first = order[_changes(nodes[order])]
        frontier = nodes[first]
        parent[frontier] = links[first]


def _distance_from_hosts(topology: Topology, graph: _Adjacency) -> Ints:
    """Return each node's distance in hops from the nearest node with a host: int64[n]."""
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
    """Return the distinct values, ascending. np.unique would import numpy.ma (20 ms) at its first call."""
    values = np.sort(values)
    return values[_changes(values)]


def _changes(values: Ints) -> Bools:
    """Return where ascending values differ from the previous one: bool[k]."""
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
