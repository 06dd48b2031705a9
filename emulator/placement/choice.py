"""The choice of a strategy for a topology.

A generator's hierarchy is known. It quickly leads to nearly the fewest cut links. A graph without one
goes to METIS. Where the leaf groups only number the switches (a ring, a random graph), both are tried,
and the one that cuts fewer links is taken. Spreading is the baseline that none may fall behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from emulator.placement.clusters import total
from emulator.placement.line_cuts import SLACK
from emulator.placement.strategies.greedy import by_bisection
from emulator.placement.strategies.hierarchy import by_hierarchy, is_grouped, is_hierarchical
from emulator.placement.strategies.metis import by_metis
from emulator.placement.strategies.spread import by_load
from emulator.placement.strategy import Request, Strategy, StrategyUnfitError
from topologies.topology import I64, Topology


class StrategyRow(NamedTuple):
    """A strategy, the topologies that it is a candidate for, and whether users can ask for it by name."""

    strategy: Strategy
    is_candidate: Callable[[Topology], bool]
    by_name: bool = True


STRATEGIES = {
    "hierarchy": StrategyRow(by_hierarchy, lambda t: is_hierarchical(t) or is_grouped(t)),
    "metis": StrategyRow(by_metis, lambda t: not is_hierarchical(t)),
    "greedy": StrategyRow(by_bisection, lambda _: False, by_name=False),  # in place of METIS
    "spread": StrategyRow(by_load, lambda _: True),
}
"""Strategies by name. Among candidates of equal cost, the first is taken."""

METHODS = tuple(name for name, row in STRATEGIES.items() if row.by_name)
"""The strategies that users can ask for."""


@dataclass(frozen=True)
class Candidate:
    """The worker of each cluster (int64[c]), the strategy that chose it, and warnings for people."""

    worker: I64
    method: str
    warnings: tuple[str, ...] = ()


def choose(request: Request, method: str | None) -> Candidate:
    """Return the placement by `method`, one of METHODS; None takes the best candidate for the topology.

    UsageError when `hierarchy` is asked for and the topology has none.
    """
    if method is not None:
        return _candidate(request, method)
    names = [name for name, row in STRATEGIES.items() if row.is_candidate(request.topology)]
    candidates = [_candidate(request, name) for name in names]
    best = min(candidates, key=lambda candidate: _cost(candidate.worker, request))
    return replace(best, warnings=tuple(chain.from_iterable(each.warnings for each in candidates)))


def _candidate(request: Request, method: str) -> Candidate:
    try:
        return Candidate(STRATEGIES[method].strategy(request), method)
    except StrategyUnfitError as error:
        return Candidate(STRATEGIES[error.instead].strategy(request), error.instead, error.warnings)


def _cost(worker: I64, request: Request) -> tuple[int, int]:
    """Return (bytes by which workers are out of balance, links cut): less is better."""
    clusters, share = request.clusters, request.share
    load = total(worker, clusters.memory, len(share))
    allowed = (1 + 2 * SLACK) * share * clusters.memory.sum() + clusters.memory.max(initial=0)
    excess = int(np.maximum(load - allowed, 0).sum())
    ends = worker[clusters.pairs]
    return excess, int(clusters.links[ends[:, 0] != ends[:, 1]].sum())
