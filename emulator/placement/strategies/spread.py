"""Spreading: clusters go to the least loaded worker, one after the other, regardless of links."""

from __future__ import annotations

import numpy as np

from emulator.placement.load import fill_by_load
from emulator.placement.strategy import Request
from topologies.topology import I64


def by_load(request: Request) -> I64:
    """Return the worker of each cluster (int64[c])."""
    worker = np.full(request.clusters.count, -1, dtype=np.int64)
    fill_by_load(worker, request.clusters, request.share)
    return worker
