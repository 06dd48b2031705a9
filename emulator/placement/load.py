"""Fill workers by load: the next cluster goes to the worker least loaded for its share."""

from __future__ import annotations

import heapq

import numpy as np

from emulator.placement.clusters import Clusters, total
from topologies.topology import F64, I64


def fill_by_load(worker: I64, clusters: Clusters, share: F64) -> None:
    """Assign each cluster without a worker (-1) to the worker least loaded for its share, in place."""
    placed = worker >= 0
    load = total(worker[placed], clusters.memory[placed], len(share))
    heap = [(load[w] / share[w], w) for w in range(len(share)) if share[w] > 0]
    heapq.heapify(heap)
    for cluster in np.flatnonzero(~placed).tolist():
        relative, w = heap[0]
        worker[cluster] = w
        heapq.heapreplace(heap, (relative + max(clusters.memory[cluster], 1) / share[w], w))
