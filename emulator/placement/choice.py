"""The choice of a strategy for a topology.

A generator's hierarchy is known and gives near the fewest cut links in no time. A graph without one
goes to METIS. Where the leaf groups only number the switches (a ring, a random graph) both are tried
and the one that cuts fewer links is taken. Spreading is the baseline that none may fall behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from emulator.errors import UsageError
from emulator.placement.clusters import total
from emulator.placement.greedy import by_bisection
from emulator.placement.hierarchy import by_hierarchy, is_hierarchical
from emulator.placement.line_cuts import SLACK
from emulator.placement.metis import by_metis
from emulator.placement.spread import by_load
from emulator.placement.strategy import Request, Strategy
from topologies.topology import I64

STRATEGIES: dict[str, Strategy] = {
    "hierarchy": by_hierarchy,
    "metis": by_metis,
    "greedy": by_bisection,
    "spread": by_load,
}
METHODS = ("hierarchy", "metis", "spread")
"""The strategies that users can ask for; `greedy` stands in for METIS where pymetis isn't installed."""

NO_METIS = (
    "pymetis is not installed: placed by a simpler strategy that cuts more links; "
    "pip install 'topology-emulator[metis]'"
)


@dataclass(frozen=True)
class Candidate:
    """The worker of each cluster (int64[c]), the strategy that chose it, and warnings for people."""

    worker: I64
    method: str
    warnings: tuple[str, ...] = ()


def choose(request: Request, method: str | None) -> Candidate:
    """Return the placement by `method`, one of METHODS; the best of those that suit the graph for None.

    UsageError when `hierarchy` is asked for and the topology has none.
    """
    grouped = request.topology.groups >= 0
    if method == "hierarchy" and not grouped.any():
        raise UsageError("this topology has no hierarchy to place it by; use `metis` or `spread`")
    if method is not None:
        return _candidate(request, method)
    if is_hierarchical(request.topology):
        methods = ["hierarchy", "spread"]
    elif grouped.all():
        methods = ["hierarchy", "metis", "spread"]
    else:
        methods = ["metis", "spread"]
    candidates = [_candidate(request, name) for name in methods]
    best = min(candidates, key=lambda candidate: _cost(candidate.worker, request))
    return replace(best, warnings=tuple(chain.from_iterable(each.warnings for each in candidates)))


def _candidate(request: Request, method: str) -> Candidate:
    if method == "metis" and request.clusters.count <= len(request.share):
        method = "spread"  # METIS wants more clusters than workers
    try:
        return Candidate(STRATEGIES[method](request), method)
    except ImportError:
        return Candidate(STRATEGIES["greedy"](request), "greedy", (NO_METIS,))


def _cost(worker: I64, request: Request) -> tuple[int, int]:
    """Return (bytes by which workers are out of balance, links cut): less is better."""
    clusters, share = request.clusters, request.share
    load = total(worker, clusters.memory, len(share))
    allowed = (1 + 2 * SLACK) * share * clusters.memory.sum() + clusters.memory.max(initial=0)
    excess = int(np.maximum(load - allowed, 0).sum())
    ends = worker[clusters.pairs]
    return excess, int(clusters.links[ends[:, 0] != ends[:, 1]].sum())
