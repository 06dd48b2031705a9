"""Rebalancing: nodes move from overfull workers to those with free capacity.

Whole clusters move first, to the worker they have most links to among those with room. Only where no
worker has room for a whole cluster are its hosts separated from their switch. Hosts of VPCs stay with their
compute host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emulator.placement.clusters import Clusters, total
from emulator.placement.worker import UNLIMITED, Capacity
from topologies.topology import I64


@dataclass
class _Free:
    """Free capacity of each worker: memory (bytes) and nodes, int64[w]; negative where it is overfull."""

    memory: I64
    nodes: I64

    def take(self, worker: int, memory: int, nodes: int) -> None:
        """Use capacity of `worker`; negative amounts free it."""
        self.memory[worker] -= memory
        self.nodes[worker] -= nodes

    def able(self, memory: int, nodes: int) -> I64:
        """Return the workers with room for that, ascending."""
        return np.flatnonzero((self.memory >= memory) & (self.nodes >= nodes))

    @property
    def is_negative(self) -> bool:
        """True when the workers together are overfull."""
        return bool(self.memory.sum(dtype=np.float64) < 0 or self.nodes.sum(dtype=np.float64) < 0)

    @property
    def overfull(self) -> I64:
        """The overfull workers, ascending."""
        return np.flatnonzero((self.memory < 0) | (self.nodes < 0))

    def size(self, workers: I64) -> I64:
        """Return what `workers` are ranked by: free memory, or free nodes where memory is unlimited."""
        limited = self.memory[workers] < UNLIMITED // 2
        return np.where(limited, self.memory[workers], self.nodes[workers])


class Needs(NamedTuple):
    """Need of each node with all that can't be parted from it: memory (bytes) and nodes, int64[n]."""

    memory: I64
    nodes: I64


def rebalance(worker: I64, clusters: Clusters, memory: I64, carrier: I64, capacity: Capacity) -> I64:
    """Return the worker of each node (int64[n]) such that no worker is overfull, where that is possible.

    worker int64[c] is the worker chosen for each cluster; memory int64[n] the need of each node in bytes,
    carrier int64[n] the node that it can't be parted from.
    When all workers together are too small, nothing moves, so that a refusal counts the placement chosen.
    """
    count = capacity.count
    free = _Free(
        capacity.memory - total(worker, clusters.memory, count),
        capacity.nodes - total(worker, clusters.nodes, count),
    )
    placed = worker[clusters.of_node]
    if not len(free.overfull) or free.is_negative:
        return placed
    unplaced = _unload(worker, clusters, free)
    moved = worker.copy()
    moved[unplaced] = -1
    links = _Links(clusters)
    largest_first = sorted(unplaced, key=lambda cluster: (-int(clusters.memory[cluster]), cluster))
    too_large = [cluster for cluster in largest_first if not _move(cluster, moved, clusters, free, links)]
    placed = moved[clusters.of_node]
    members = _Members(clusters)
    needs = Needs(total(carrier, memory, len(placed)), np.bincount(carrier, minlength=len(placed)))
    for cluster in too_large:
        nodes = members.of(cluster)
        _split(nodes[carrier[nodes] == nodes], int(worker[cluster]), placed, needs, free)
    return placed[carrier]


def _unload(worker: I64, clusters: Clusters, free: _Free) -> list[int]:
    """Take clusters off the workers that are overfull until none is, and return them.

    The last ones go first: a run loses its end and gets no holes in its middle.
    """
    unplaced = []
    for at in free.overfull.tolist():
        for cluster in np.flatnonzero(worker == at)[::-1].tolist():
            if free.memory[at] >= 0 and free.nodes[at] >= 0:
                break
            free.take(at, -int(clusters.memory[cluster]), -int(clusters.nodes[cluster]))
            unplaced.append(cluster)
    return unplaced


class _Links:
    """The links of each cluster, looked up when needed."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        flat = clusters.pairs.ravel()
        self._order = np.argsort(flat, kind="stable")
        self._start = np.searchsorted(flat[self._order], np.arange(clusters.count + 1))

    def by_worker(self, cluster: int, worker: I64, count: int) -> I64:
        """Return the number of links from `cluster` to each worker: int64[count]."""
        slots = self._order[self._start[cluster] : self._start[cluster + 1]]
        others = self._clusters.pairs.ravel()[slots ^ 1]
        at = worker[others]
        known = at >= 0
        return total(at[known], self._clusters.links[slots[known] // 2], count)


def _move(cluster: int, worker: I64, clusters: Clusters, free: _Free, links: _Links) -> bool:
    """Move a cluster to the worker with room that it has most links to; return whether there is one."""
    need = int(clusters.memory[cluster]), int(clusters.nodes[cluster])
    able = free.able(*need)
    if not len(able):
        return False
    linked = links.by_worker(cluster, worker, len(free.memory))[able]
    best = int(able[np.lexsort((able, -free.size(able), -linked))[0]])
    worker[cluster] = best
    free.take(best, *need)
    return True


class _Members:
    """The nodes of each cluster, ascending."""

    def __init__(self, clusters: Clusters) -> None:
        self._order = np.argsort(clusters.of_node, kind="stable")
        self._start = np.concatenate([[0], np.cumsum(clusters.nodes)])

    def of(self, cluster: int) -> I64:
        """Return the nodes of `cluster`."""
        return self._order[self._start[cluster] : self._start[cluster + 1]]


def _split(nodes: I64, home: int, placed: I64, needs: Needs, free: _Free) -> None:
    """Place the nodes of one cluster wherever there is room, many together; the rest stays at `home`."""
    alike = np.stack([needs.memory[nodes], needs.nodes[nodes]], axis=1)
    for memory, count in np.unique(alike, axis=0)[::-1].tolist():
        left = nodes[(alike == [memory, count]).all(axis=1)]
        for at in np.argsort(-free.size(np.arange(len(free.memory))), kind="stable").tolist():
            if not len(left):
                break
            takes = min(
                len(left), free.nodes[at] // count, free.memory[at] // memory if memory else len(left)
            )
            takes = max(int(takes), 0)
            placed[left[:takes]] = at
            free.take(at, takes * memory, takes * count)
            left = left[takes:]
        placed[left] = home
        free.take(home, len(left) * memory, len(left) * count)
