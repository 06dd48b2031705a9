"""Which way of placement a topology gets, and what came of it.

A generator's hierarchy is known and gives near the fewest cut links in no time; a graph without one
goes to METIS. Where the leaf groups only number the switches (a ring, a random graph) both are tried
and the one that cuts fewer links is taken; spreading is the measure that neither may fall behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.placement.fit import fit
from emulator.placement.greedy import place_greedily
from emulator.placement.hierarchy import is_hierarchical, place_by_groups, place_spread
from emulator.placement.metis import MetisMissingError, place_by_metis
from emulator.placement.runs import SLACK
from emulator.placement.units import Units, contract, total
from emulator.placement.worker import Worker, capacity
from topologies.topology import F64, I64, Topology

METHODS = ("hierarchy", "metis", "spread")

NO_METIS = (
    "pymetis is not installed: placed in a simpler way that cuts more links; "
    "pip install 'topology-emulator[metis]'"
)


@dataclass(frozen=True)
class Placement:
    """The worker of each node (int32[n]), the method that found it, and what people should know."""

    worker: npt.NDArray[np.int32]
    method: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    method: str
    worker: I64  # int64[u], by unit


def place(topology: Topology, memory: I64, workers: Sequence[Worker], method: str | None = None) -> Placement:
    """Return where the nodes of `topology` go; memory int64[n] is what each needs, in bytes.

    `method` is one of METHODS, None chooses. Deterministic: the same input gives the same placement.
    UsageError when `hierarchy` is asked for and there is none.
    """
    if len(workers) == 1:
        return Placement(np.zeros(topology.node_count, dtype=np.int32), "one worker")
    limits = capacity(workers)
    units = contract(topology, memory)
    live = np.flatnonzero(limits.share > 0)
    warnings: list[str] = []
    chosen = _chosen(topology, units, limits.share[live], method, warnings)
    placed = fit(live[chosen.worker], units, memory, limits)
    return Placement(placed.astype(np.int32), chosen.method, tuple(warnings))


def _chosen(
    topology: Topology, units: Units, share: F64, method: str | None, warnings: list[str]
) -> _Candidate:
    makers: dict[str, Callable[[], _Candidate]] = {
        "hierarchy": lambda: _Candidate("hierarchy", place_by_groups(topology, units, share)),
        "metis": lambda: _by_graph(units, share, warnings),
        "spread": lambda: _Candidate("spread", place_spread(units, share)),
    }
    if method == "hierarchy" and not (topology.groups >= 0).any():
        raise UsageError("this topology has no hierarchy to place it by; use `metis` or `spread`")
    if method is not None:
        return makers[method]()
    if is_hierarchical(topology):
        wanted = ["hierarchy"]
    elif (topology.groups >= 0).all():
        wanted = ["hierarchy", "metis"]
    else:
        wanted = ["metis"]
    candidates = [makers[name]() for name in [*wanted, "spread"]]
    return min(candidates, key=lambda candidate: _badness(candidate, units, share))


def _by_graph(units: Units, share: F64, warnings: list[str]) -> _Candidate:
    if units.count <= len(share):
        return _Candidate("spread", place_spread(units, share))
    try:
        return _Candidate("metis", place_by_metis(units, share))
    except MetisMissingError:
        warnings.append(NO_METIS)
        return _Candidate("greedy", place_greedily(units, share))


def _badness(candidate: _Candidate, units: Units, share: F64) -> tuple[int, int]:
    """Return (bytes by which a worker is out of balance, links cut): less is better."""
    load = total(candidate.worker, units.memory, len(share))
    allowed = (1 + 2 * SLACK) * share * units.memory.sum() + units.memory.max(initial=0)
    excess = int(np.maximum(load - allowed, 0).sum())
    ends = candidate.worker[units.pairs]
    return excess, int(units.links[ends[:, 0] != ends[:, 1]].sum())
