"""link-flap: cut links, and restore them later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import PacedAction
from stress.actions.cut import CuttingAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.targets import Target
from topologies.segments import is_routed
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


class LinkFlap(CuttingAction, PacedAction):
    """Traffic stops in both directions. With `reroute` forwarding avoids the link.

    Routers reroute by default, as their routing protocols would: no real routing table keeps sending half of
    the flows into a cut link. Bridges don't.
    """

    EXAMPLE: ClassVar[str] = "{action: link-flap, target: {between: [edge, aggregation]}, rate: 5}"
    VERBS: ClassVar[tuple[str, ...]] = ("cut", "mend")

    action: Literal["link-flap"]
    down: Duration = Field(0.5, description="Time that a link is cut", examples=["500 ms"])
    reroute: bool | None = Field(
        None,
        description="Forward around the cuts, at once around those due together; default: if nodes route",
    )

    def reroutes(self, topology: Topology) -> bool:
        """Return whether forwarding goes around the cuts."""
        return is_routed(topology) if self.reroute is None else self.reroute

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the cuts and the restorations."""
        return self.there_and_back(context, context.links(self.target), self.down)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Cut or restore the link."""
        (self.cut_link if verb == "cut" else self.mend_link)(context, target.number)
