"""Units: what placement moves as a whole. A host goes with its switch, so links to hosts aren't cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topologies.topology import I64, Kind, Topology


@dataclass(frozen=True)
class Units:
    """Nodes contracted: u units, k distinct pairs of linked units.

    Shapes: of_node int64[n], the unit of each node; representative int64[u], the node that a unit stands
    for; memory (bytes) and nodes int64[u]; pairs int64[k, 2], each once with the smaller unit first;
    links int64[k], how many links each pair has.
    """

    of_node: I64
    representative: I64
    memory: I64
    nodes: I64
    pairs: I64
    links: I64

    @property
    def count(self) -> int:
        """How many units."""
        return len(self.memory)


def attachment(topology: Topology) -> I64:
    """Return for each node the one it goes with (int64[n]).

    A host goes with the switch or router at its first such link, everything else with itself.
    """
    host = topology.kinds == Kind.HOST
    out = np.arange(topology.node_count, dtype=np.int64)
    first = topology.ends[:, 0]
    second = topology.ends[:, 1]
    leaf = host[first] != host[second]
    on_first = host[first[leaf]]
    hosts = np.where(on_first, first[leaf], second[leaf])
    others = np.where(on_first, second[leaf], first[leaf])
    out[hosts[::-1]] = others[::-1]  # of several values for one index numpy keeps the last: the first link
    return out


def contract(topology: Topology, memory: I64) -> Units:
    """Return the units of `topology` whose nodes need `memory` (int64[n], bytes)."""
    parent = attachment(topology)
    own = parent == np.arange(topology.node_count)
    representative = np.flatnonzero(own)
    number = np.cumsum(own) - 1
    of_node = number[parent]
    count = len(representative)
    ends = of_node[topology.ends]
    ends = ends[ends[:, 0] != ends[:, 1]]
    ends.sort(axis=1)
    keys, links = np.unique(ends[:, 0] * count + ends[:, 1], return_counts=True)
    return Units(
        of_node=of_node,
        representative=representative,
        memory=total(of_node, memory, count),
        nodes=np.bincount(of_node, minlength=count),
        pairs=np.stack(np.divmod(keys, max(count, 1)), axis=1),
        links=links,
    )


def total(index: I64, values: I64, count: int) -> I64:
    """Return the sums of `values` by `index`: int64[count], exact up to 2^53."""
    return np.bincount(index, weights=values, minlength=count).astype(np.int64)
