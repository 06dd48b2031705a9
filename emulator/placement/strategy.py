"""`Strategy`: the one signature of all placement strategies; each is a file of `strategies/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.placement.clusters import Clusters
from topologies.topology import F64, I64, Topology


@dataclass(frozen=True)
class Request:
    """A topology to place, its clusters, and the share of each of w workers: float64[w], sum 1, none 0."""

    topology: Topology
    clusters: Clusters
    share: F64


Strategy = Callable[[Request], I64]
"""Returns the worker of each cluster (int64[c]). The same request gives the same result.

Raises StrategyUnfitError where another strategy must take its place.
"""


class StrategyUnfitError(Exception):
    """A strategy can't place this request; the one named `instead` can, with `warnings` for people."""

    def __init__(self, instead: str, *warnings: str) -> None:
        super().__init__(instead, *warnings)
        self.instead = instead
        self.warnings = warnings
