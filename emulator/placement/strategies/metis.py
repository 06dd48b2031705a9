"""Placement of arbitrary graphs by METIS, where pymetis is installed.

Karypis and Kumar: A Fast and High Quality Multilevel Scheme for Partitioning Irregular Graphs,
SIAM Journal on Scientific Computing 20(1), 1998.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from emulator.placement.clusters import neighbours
from emulator.placement.strategy import Request, StrategyUnfitError
from topologies.topology import I64

NO_METIS = (
    "pymetis is not installed: placed by a simpler strategy that cuts more links; "
    f"`{sys.executable} -m pip install pymetis`"
)
"""Its fix names the Python that runs, and the package itself: the emulator isn't in any package index."""
_SEED = 1
_MOST_WEIGHT = 2**30
"""METIS adds weights up in 32 bits."""
_IMBALANCE = 100
"""In thousandths: a worker may get 10 % more than its share."""


def by_metis(request: Request) -> I64:
    """Return the worker of each cluster (int64[c]).

    StrategyUnfitError without more clusters than workers, or without pymetis.
    """
    clusters, share = request.clusters, request.share
    if clusters.count <= len(share):
        raise StrategyUnfitError("spread")
    try:
        import pymetis
    except ImportError as error:
        raise StrategyUnfitError("greedy", NO_METIS) from error
    start, other, links = neighbours(clusters.pairs, clusters.links, clusters.count)
    scale = max(1, -(-int(clusters.memory.sum()) // _MOST_WEIGHT))
    options = pymetis.Options(seed=_SEED, ufactor=_IMBALANCE, ncuts=4)
    _, parts = pymetis.part_graph(
        len(share),
        **_graph(pymetis, start.tolist(), other.tolist()),
        vweights=np.maximum(clusters.memory // scale, 1).tolist(),
        eweights=links.tolist(),
        tpwgts=None if np.ptp(share) < 1e-12 else share.tolist(),
        recursive=len(share) <= 8,
        options=options,
    )
    return np.asarray(parts, dtype=np.int64)


def _graph(pymetis: ModuleType, start: list[int], other: list[int]) -> dict[str, Any]:
    """Return the arguments that pass a graph: pymetis 2025.1 changed them."""
    if hasattr(pymetis, "CSRAdjacency"):
        return {"adjacency": pymetis.CSRAdjacency(start, other)}
    return {"xadj": start, "adjncy": other}
