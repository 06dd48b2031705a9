"""`Action`: a step's keys, the plan of its operations, and the code that carries them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from stress.actions.action_context import ActionContext, Skipped
from stress.actions.plan_context import AddressedNode, PlanContext, PlannedOperations
from stress.arrivals import MICRO, arrivals
from stress.keys import Paced, StepKeys
from stress.targets import Target, nodes_of
from topologies.profiles import Shape
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]

Needs = Literal["session", "network", "network alone"]
"""Needs of a worker: a session of the network; the network itself, which a thread in a session can't use;
or the network by one thread only, for changes of forwarding."""


class Action(StepKeys):
    """A step: its keys, its planned operations, and how each is carried out."""

    VERBS: ClassVar[tuple[str, ...]] = ()
    NEEDS: ClassVar[Needs] = "session"
    DISTURBS: ClassVar[bool] = True
    """True if it removes something: lost probes are attributed to such operations before others."""
    CLOSED: ClassVar[bool] = False
    """True if no operation is due before the previous one ends (a closed loop)."""

    BATCHED: ClassVar[bool] = False
    """True if operations on light nodes and their ports that are due together are carried out by `do_all`."""

    ABILITIES: ClassVar[frozenset[str]] = frozenset()
    """Abilities that an engine must have (`topologies.engines.ABILITIES`)."""

    def abilities(self) -> frozenset[str]:
        """Return the abilities that an engine must have; for some actions they depend on the keys."""
        return self.ABILITIES

    def needs(self, topology: Topology) -> Needs:
        """Return the needs of the action's worker; for some actions they depend on the keys."""
        del topology
        return self.NEEDS

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the nodes whose workers carry out an operation; the worker of the first tells its outcome.

        All of them see all operations on an element, in their order, and so agree on what is removed.
        """
        del verb
        return nodes_of(topology, target)

    def acts_everywhere(self, topology: Topology, verb: str, target: Target) -> bool:
        """Return whether all workers carry out an operation: a light port is in the maps of each."""
        del verb
        return target.kind in {"move", "vpc"} or any(topology.light[nodes_of(topology, target)])

    def together(self, topology: Topology) -> bool:
        """Return whether all operations that are due together are carried out by `do_all`."""
        del topology
        return False

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the operations of the step; ParameterError when the keys don't fit the network."""
        raise NotImplementedError

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes that it sets on its links, for engines that can't make them."""
        return ()

    def addressed(self, target: Target) -> Iterator[AddressedNode]:
        """Yield the nodes that need an address for an operation on `target`."""
        del target
        yield from ()

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Carry out one operation; raises SkippedError, EmulationError or OSError."""
        raise NotImplementedError

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Carry out operations that are due on different targets; raises EmulationError when none was."""
        raise NotImplementedError


class PacedAction(Action, Paced):
    """A step of many operations on targets, at a rate or in cycles."""

    def begins(self, context: PlanContext, count: int, busy: float = 0.0) -> tuple[Ints, Ints]:
        """Return the start and the target of operations on `count` targets: (int64[k], int64[k]).

        Targets take turns, in an order drawn by the seed. So no target is chosen again while it may still
        be away. Each is away for `busy` seconds. A churn's cycle is `busy` plus its delay.
        """
        order = context.stream("order").shuffled(np.arange(count))
        if self.churn is None:
            at = arrivals(self, context.seconds, context.stream("arrivals"), context.loc)
        else:
            size, cycle = max(1, round(self.churn.percent * count)), busy + self.churn.delay
            if not cycle:
                words = "has neither a delay nor a time away; write for example `delay: 1 s`"
                raise context.error("churn", words)
            fit = int(np.ceil(context.seconds / cycle - 1e-9))
            cycles = min(fit, self.churn.cycles or fit)
            context.require_few(cycles * size, "churn")
            at = np.repeat(np.rint(np.arange(cycles) * cycle * MICRO).astype(np.int64), size)
        return at, order[np.arange(len(at)) % count]

    def there_and_back(
        self, context: PlanContext, targets: Sequence[Target], away: float
    ) -> PlannedOperations:
        """Return pairs of operations: VERBS[0], and VERBS[1] `away` seconds later or at the step's end."""
        at, target = self.begins(context, len(targets), away)
        back = np.minimum(at + round(away * MICRO), context.end)
        every, twice = np.concatenate([at, back]), np.concatenate([target, target])
        return PlannedOperations(every, np.repeat([0, 1], len(at)), twice, targets)
