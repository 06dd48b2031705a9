"""link-flap: cut links, and mend them a while later."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import Needs, PacedAction
from stress.actions.cut import cut, mended
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.targets import Target
from topologies.quantities import Duration
from topologies.segments import is_routed
from topologies.topology import Topology


class LinkFlap(PacedAction):
    """Traffic stops both ways. With `reroute` the network is told, and finds other ways.

    Routers do so unless told otherwise, as their routing protocols would: a table that still sends half
    of the flows into the cut would be that of no network. Bridges don't.
    """

    EXAMPLE: ClassVar[str] = "{action: link-flap, target: {between: [edge, aggregation]}, rate: 5}"
    VERBS: ClassVar[tuple[str, ...]] = ("cut", "mend")

    action: Literal["link-flap"]
    down: Duration = Field(0.5, description="Time that a link is cut", examples=["500 ms"])
    reroute: bool | None = Field(
        None,
        description="Forward around the cut, one link at a time; default: if nodes route",
    )

    def needs(self, topology: Topology) -> Needs:
        """Whoever changes forwarding holds the whole network."""
        return "network alone" if self._goes_around(topology) else "session"

    def _goes_around(self, topology: Topology) -> bool:
        return is_routed(topology) if self.reroute is None else self.reroute

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the cuts and mends."""
        return self.there_and_back(context, context.links(self.target), self.down)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Cut or mend the link."""
        if not self._goes_around(context.network.topology):
            (cut if verb == "cut" else mended)(context, target.number)
        elif verb == "cut":
            context.change_link(target.number, lambda before: replace(before, up=False))
        else:
            context.give_link_back(target.number)
