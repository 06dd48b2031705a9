"""partition: cut the network in two along a boundary, and heal it later."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.cut import CuttingAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.arrivals import MICRO
from stress.keys import Aim, Problems, TargetKeys
from stress.targets import Target, nodes
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


class Partition(CuttingAction):
    """All links that cross the boundary are cut at the same moment."""

    EXAMPLE: ClassVar[str] = "{action: partition, halves: true}"
    VERBS: ClassVar[tuple[str, ...]] = ("cut", "mend")

    action: Literal["partition"]
    target: Aim | None = Field(None, description="These nodes on one side, all others on the other",
                               examples=["{name: 'h[1-8]'}"])  # fmt: skip
    tier: str | None = Field(None, description="This tier and those below it on one side")
    halves: bool = Field(default=False, description="One half of the racks on each side")
    after: Duration = Field(0.0, description="Time between the beginning of the step and the cut")
    cut: Duration | None = Field(None, description="Time that the graph is cut; default: to the step's end")
    reroute: bool = Field(default=False, description="Forward around the cut")

    def reroutes(self, topology: Topology) -> bool:
        """Return whether forwarding goes around the cuts."""
        del topology
        return self.reroute

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        given = [key for key in ("target", "tier", "halves") if getattr(self, key)]
        if not given:
            yield (), "needs `target:`, `tier:` or `halves: true`: along which boundary?"
        for key in given[1:]:
            yield (key,), f"can't be combined with `{given[0]}`; keep one of the two"

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the cuts and restorations of the links across the boundary."""
        side = self._side(context)
        crossing = np.flatnonzero(
            side[context.topology.ends[:, 0]] != side[context.topology.ends[:, 1]]
        ).tolist()
        if not crossing:
            key = next(key for key in ("target", "tier", "halves") if getattr(self, key))
            raise context.error(key, "no link crosses this boundary")
        begin = round(self.after * MICRO)
        if begin >= context.end:
            raise context.error(
                "after", f"is not before the step's end, {context.seconds:g} s after its begin"
            )
        end = context.end if self.cut is None else min(begin + round(self.cut * MICRO), context.end)
        count = len(crossing)
        return PlannedOperations(np.repeat([begin, end], count), np.repeat([0, 1], count),
                     np.tile(np.arange(count), 2), [Target("link", link) for link in crossing])  # fmt: skip

    def _side(self, context: PlanContext) -> npt.NDArray[np.bool_]:
        topology = context.topology
        side = np.zeros(topology.node_count, dtype=bool)
        if self.halves:
            groups = topology.groups
            known = groups[groups >= 0]
            if not len(known) or known.min() == known.max():
                raise context.error("halves", "the nodes aren't in several racks; write `target:` instead")
            return np.asarray(
                (groups >= 0) & (groups <= np.sort(np.unique(known))[len(np.unique(known)) // 2 - 1])
            )
        if self.tier is not None:
            tier = nodes(topology, TargetKeys(tier=self.tier), context.stream("target"), context.loc)[0]
            return np.asarray(topology.tiers >= topology.tiers[tier.number])
        side[[target.number for target in context.nodes(self.target or TargetKeys())]] = True
        return side

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Cut or restore one of the links."""
        (self.cut_link if verb == "cut" else self.mend_link)(context, target.number)
