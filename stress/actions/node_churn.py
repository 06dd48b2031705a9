"""node-churn: remove hosts with all their processes, and add them again later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext, Skipped
from stress.actions.base import PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class NodeChurn(PacedAction):
    """Hosts come and go like pods or virtual machines."""

    EXAMPLE: ClassVar[str] = "{action: node-churn, churn: {percent: 10 %, delay: 5 s}}"
    VERBS: ClassVar[tuple[str, ...]] = ("remove", "add")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"nodes"})
    BATCHED: ClassVar[bool] = True

    action: Literal["node-churn"]
    target: Aim = Field(
        TargetKeys(kind="host"), description="Nodes to remove; default: hosts", examples=[TargetKeys.EXAMPLE]
    )
    away: Duration = Field(1.0, description="Time that a node is removed", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the removals and additions."""
        return self.there_and_back(context, context.nodes(self.target), self.away)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Remove or add the node."""
        (context.remove_node if verb == "remove" else context.add_node)(target.number)

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Remove or add light nodes."""
        return context.set_nodes([target.number for target in targets], removed=verb == "remove")
