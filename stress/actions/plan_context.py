"""Planning of a step: the input and the output of an action's plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stress import targets as selection
from stress.arrivals import MICRO, MOST
from stress.keys import TargetKeys
from stress.targets import Target
from topologies.errors import Loc, ParameterError
from topologies.rng import Stream
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]


class AddressedNode(NamedTuple):
    """Node that must have an address, the key of the step that chose it, and the family of the address."""

    node: int
    key: str = "target"
    family: Literal["IP", "IPv4"] = "IP"


@dataclass
class PlannedOperations:
    """The k operations of a step.

    at: int64[k] in microseconds since the step began, in any order; verb and target int64[k] are positions
    in the action's VERBS and in `targets`.
    """

    at: Ints
    verb: Ints
    target: Ints
    targets: Sequence[Target]


@dataclass(frozen=True)
class PlanContext:
    """Input of planning: the graph, the step's name and place in the file, its duration, the seed."""

    topology: Topology
    name: str
    loc: Loc
    seconds: float
    seed: int

    @property
    def end(self) -> int:
        """End of the step, in microseconds since it began."""
        return round(self.seconds * MICRO)

    def stream(self, words: str) -> Stream:
        """Return a stream of random numbers for one purpose, independent of other purposes and steps."""
        return Stream(self.seed, "stress", self.name, words)

    def nodes(self, target: TargetKeys) -> list[Target]:
        """Return the nodes that `target` selects."""
        return selection.nodes(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def nodes_of(self, target: TargetKeys, key: str) -> list[Target]:
        """Return the nodes that a target under another key selects."""
        return selection.nodes(self.topology, target, self.stream(key), (*self.loc, key))

    def ports(self, target: TargetKeys) -> list[Target]:
        """Return the ports that `target` selects."""
        return selection.ports(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def links(self, target: TargetKeys) -> list[Target]:
        """Return the links that `target` selects."""
        return selection.links(self.topology, target, self.stream("target"), (*self.loc, "target"))

    def some(self, targets: Sequence[Target], target: TargetKeys, what: str) -> list[Target]:
        """Return as many of `targets` as `target` asks for, drawn by the seed."""
        chosen = selection.some(
            np.arange(len(targets)), target, self.stream("target"), (*self.loc, "target"), what
        )
        return [targets[number] for number in chosen]

    def require_few(self, count: float, key: str) -> None:
        """Raise the error at `key` when a step can't have `count` operations."""
        if count > MOST:
            raise self.error(key, f"{count:,.0f} operations are too many; {MOST:,} in a step at most")

    def error(self, key: str, words: str) -> ParameterError:
        """Return the error at `key` of this step."""
        return ParameterError((*self.loc, key), words)
