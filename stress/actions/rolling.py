"""rolling: restart nodes, or cut them off, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.cut import CuttingAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.arrivals import MICRO
from stress.keys import Aim, Problems
from stress.targets import Target
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


class Rolling(CuttingAction):
    """Nodes in the order of their names, like an upgrade; with `again` as many rounds as fit."""

    EXAMPLE: ClassVar[str] = "{action: rolling, target: spine, down: 2 s, pause: 1 s}"
    VERBS: ClassVar[tuple[str, ...]] = ("away", "back")

    action: Literal["rolling"]
    target: Aim = Field(description="Nodes", examples=["spine"])
    how: Literal["restart", "cut", "reroute"] = Field(
        "restart",
        description="Remove the node and create it again; cut its links; or cut them and reroute",
    )
    down: Duration = Field(1.0, description="Time that each node is away", examples=["1 s"])
    pause: Duration = Field(
        1.0, description="Time between the return of one node and the next", examples=["1 s"]
    )
    again: bool = Field(default=False, description="Start over after the last node, until the step ends")

    def reroutes(self, topology: Topology) -> bool:
        """Return whether forwarding goes around the cuts."""
        del topology
        return self.how == "reroute"

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        if not self.down + self.pause:
            yield ("down",), "is nothing, and so is `pause`; write for example `down: 1 s`"

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the removals and restorations; targets that don't fit in the step are an error."""
        found = context.nodes(self.target)
        turn = max(1, round((self.down + self.pause) * MICRO))
        fit = -(-context.end // turn)
        if fit < len(found):
            needed = f"{len(found):,} nodes take {len(found) * turn / MICRO:g} s"
            words = f"{needed}, but the step has {context.seconds:g} s; write a longer `duration:`"
            raise context.error("target", words)
        count = fit if self.again else len(found)
        targets, each = self._targets(context, found)
        context.require_few(count / len(found) * sum(map(len, each)), "down")
        begin = np.arange(count) * turn
        at, target = [], []
        for k in range(count):
            own = each[k % len(found)]
            at += [int(begin[k])] * len(own)
            target += own
        away = np.array(at, dtype=np.int64)
        back = np.minimum(away + round(self.down * MICRO), context.end)
        return PlannedOperations(
            np.concatenate([away, back]), np.repeat([0, 1], len(at)), np.array(target * 2), targets
        )

    def _targets(self, context: PlanContext, found: Sequence[Target]) -> tuple[list[Target], list[list[int]]]:
        """Return the targets, and the targets of each node: itself, or its links."""
        if self.how == "restart":
            return list(found), [[k] for k in range(len(found))]
        numbers: dict[int, int] = {}
        each = [
            [numbers.setdefault(end.link, len(numbers)) for end in context.topology.incident(target.number)]
            for target in found
        ]
        return [Target("link", link) for link in numbers], each

    def abilities(self) -> frozenset[str]:
        """Return the abilities that an engine must have: a restart removes nodes."""
        return frozenset({"nodes"}) if self.how == "restart" else frozenset()

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Remove a node or cut a link, or restore it."""
        away = verb == "away"
        if self.how == "restart":
            (context.remove_node if away else context.add_node)(target.number)
        else:
            (self.cut_link if away else self.mend_link)(context, target.number)
