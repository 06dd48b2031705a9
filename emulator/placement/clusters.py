"""Clusters: the weighted graph that every placement strategy works on.

A cluster is what placement moves as a whole: a switch or router with its hosts, so that links to hosts
aren't cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from topologies.topology import I64, Kind, Topology


@dataclass(frozen=True)
class Clusters:
    """A topology contracted to c clusters with k distinct pairs of linked clusters.

    Shapes: of_node int64[n], the cluster of each node; representative int64[c], the node that a cluster
    is named after; memory (bytes) and nodes int64[c]; pairs int64[k, 2], each once with the smaller
    cluster first; links int64[k], the number of links of each pair.
    """

    of_node: I64
    representative: I64
    memory: I64
    nodes: I64
    pairs: I64
    links: I64

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.memory)

    def with_memory(self, memory: I64) -> Clusters:
        """Return the same clusters where nodes need `memory` (int64[n], bytes)."""
        return replace(self, memory=total(self.of_node, memory, self.count))


def attachment(topology: Topology) -> I64:
    """Return the node that each node is placed with (int64[n]).

    A host is placed with the switch or router of its first such link, a host of a VPC with its compute host,
    every other node on its own.
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
    first_in_vpc = topology.underlay.node_count
    if first_in_vpc < topology.node_count:
        out[first_in_vpc:] = out[topology.compute_hosts]
    return out


def carriers(topology: Topology) -> I64:
    """Return the node that each node can't be parted from (int64[n]): of a host of a VPC its compute host.

    A light port is in its compute host's namespace, and a member behind it. Other nodes are their own.
    """
    first = topology.underlay.node_count
    return np.concatenate([np.arange(first), topology.compute_hosts]).astype(np.int64)


def contract(topology: Topology, memory: I64) -> Clusters:
    """Return the clusters of `topology` whose nodes need `memory` (int64[n], bytes)."""
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
    return Clusters(
        of_node=of_node,
        representative=representative,
        memory=total(of_node, memory, count),
        nodes=np.bincount(of_node, minlength=count),
        pairs=np.stack(np.divmod(keys, max(count, 1)), axis=1),
        links=links,
    )


def neighbours(pairs: I64, links: I64, count: int) -> tuple[I64, I64, I64]:
    """Return a graph of `count` clusters as compressed rows: start int64[count + 1], other, links int64[2k].

    pairs int64[k, 2] are the clusters that are linked, links int64[k] the number of links of each pair.
    """
    source = np.concatenate([pairs[:, 0], pairs[:, 1]])
    target = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((target, source))
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=count), out=start[1:])
    return start, target[order], np.tile(links, 2)[order]


def total(index: I64, values: I64, count: int) -> I64:
    """Return the sums of `values` by `index`: int64[count], exact up to 2^53."""
    return np.bincount(index, weights=values, minlength=count).astype(np.int64)
