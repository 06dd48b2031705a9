"""Placement of arbitrary graphs by METIS, where pymetis is installed.

Karypis and Kumar: A Fast and High Quality Multilevel Scheme for Partitioning Irregular Graphs,
SIAM Journal on Scientific Computing 20(1), 1998.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from emulator.placement.units import Units
from topologies.topology import F64, I64

_SEED = 1
_MOST_WEIGHT = 2**30
"""METIS adds weights up in 32 bits."""
_IMBALANCE = 100
"""In thousandths: a worker may get 10 % more than its share."""


class MetisMissingError(ImportError):
    """pymetis is not installed."""


def place_by_metis(units: Units, share: F64) -> I64:
    """Return the worker of each unit (int64[u]); `share` (float64[w]) is what each should hold.

    Raises MetisMissingError when pymetis isn't there. The same units give the same placement.
    """
    try:
        import pymetis
    except ImportError as error:
        raise MetisMissingError(str(error)) from error

    start, other, links = neighbours(units.pairs, units.links, units.count)
    scale = max(1, -(-int(units.memory.sum()) // _MOST_WEIGHT))
    options = pymetis.Options(seed=_SEED, ufactor=_IMBALANCE, ncuts=4)
    _, parts = pymetis.part_graph(
        len(share),
        **_graph(pymetis, start.tolist(), other.tolist()),
        vweights=np.maximum(units.memory // scale, 1).tolist(),
        eweights=links.tolist(),
        tpwgts=None if np.ptp(share) < 1e-12 else share.tolist(),
        recursive=len(share) <= 8,
        options=options,
    )
    return np.asarray(parts, dtype=np.int64)


def _graph(pymetis: ModuleType, start: list[int], other: list[int]) -> dict[str, Any]:
    """Return the arguments that hand a graph over: pymetis 2025.1 changed them."""
    if hasattr(pymetis, "CSRAdjacency"):
        return {"adjacency": pymetis.CSRAdjacency(start, other)}
    return {"xadj": start, "adjncy": other}


def neighbours(pairs: I64, links: I64, count: int) -> tuple[I64, I64, I64]:
    """Return a graph of `count` units as compressed rows: start int64[count + 1], other and links int64[2k].

    pairs int64[k, 2] are the units that are linked, links int64[k] how many links each pair has.
    """
    source = np.concatenate([pairs[:, 0], pairs[:, 1]])
    target = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((target, source))
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=count), out=start[1:])
    return start, target[order], np.tile(links, 2)[order]
