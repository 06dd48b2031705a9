"""Groups to fold a graph by, found in the graph itself.

Without its top layers a layered graph falls into components: the pods of a fat-tree, the
zones, pods and racks of a region. In a graph without layers, a switch's hosts are a group; when
there are many switches, those near one another are too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topologies.graph_arrays import components
from topologies.pictures.layers import layers
from topologies.topology import I64, Kind, Topology

_MANY_SWITCHES = 200
_CLUSTERS = 100


@dataclass(frozen=True)
class Hierarchy:
    """The nested components of a layered graph, or the switch groups of one without layers.

    `layer` int64[n]; `groups[c]` int64[n] is each node's group at level c + 1 (the smallest node
    in it), -1 for nodes above that level.
    """

    layer: I64
    groups: tuple[I64, ...]
    layered: bool


def hierarchy(topology: Topology) -> Hierarchy:
    """Return the nested groups that `topology` can be folded by, outermost first."""
    layer = layers(topology)
    if layer is None:
        return _flat(topology)
    groups: list[I64] = []
    for level in range(1, int(layer.max()) + 1):
        inside = layer >= level
        within = inside[topology.ends].all(axis=1)
        low, high = topology.ends[within].T
        label = np.where(inside, components(low, high, topology.node_count), -1)
        if not groups or not np.array_equal(label[inside], groups[-1][inside]):
            groups.append(label)
    return Hierarchy(layer, tuple(groups), layered=True)


def _flat(topology: Topology) -> Hierarchy:
    """Return groups of switches by nearness, when there are many, and of each switch's hosts."""
    n = topology.node_count
    host: npt.NDArray[np.bool_] = np.asarray((topology.kinds == Kind.HOST) & (topology.degrees == 1))
    a, b = topology.ends[:, 0], topology.ends[:, 1]
    owner = np.arange(n, dtype=np.int64)
    owner[a[host[a]]] = b[host[a]]
    owner[b[host[b]]] = a[host[b]]
    host &= ~host[owner]  # two hosts on one link stay two nodes
    owner[~host] = np.flatnonzero(~host)
    layer = host.astype(np.int64)
    attached = np.where(host, owner, -1)
    if (~host).sum() <= _MANY_SWITCHES:
        return Hierarchy(layer, (attached,), layered=False)
    near = _clusters(topology, np.flatnonzero(~host), _CLUSTERS)
    return Hierarchy(layer, (near[owner], attached), layered=False)


def _clusters(topology: Topology, nodes: I64, most: int) -> I64:
    """Return the cluster of each of `nodes` (its smallest member; others -1): at most `most` of them.

    Runs of equal length of a breadth-first order: neighbours in the order are near in the graph.
    """
    start, slot = topology.incidence
    other = topology.ends.ravel()[slot ^ 1]
    chosen = np.zeros(topology.node_count, dtype=bool)
    chosen[nodes] = True
    seen = ~chosen
    order: list[int] = []
    for root in nodes.tolist():
        if seen[root]:
            continue
        seen[root] = True
        at = len(order)
        order.append(root)
        while at < len(order):
            node = order[at]
            at += 1
            for near in other[start[node] : start[node + 1]].tolist():
                if not seen[near]:
                    seen[near] = True
                    order.append(near)
    sequence = np.array(order, dtype=np.int64)
    part = np.arange(len(sequence)) * most // len(sequence)
    first = np.full(most, topology.node_count, dtype=np.int64)
    np.minimum.at(first, part, sequence)
    out = np.full(topology.node_count, -1, dtype=np.int64)
    out[sequence] = first[part]
    return out
