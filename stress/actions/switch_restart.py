"""switch-restart: switches and routers lose their state, and come back later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from topologies.spec.quantity_types import Duration
from topologies.topology import Kind


class SwitchRestart(PacedAction):
    """A restart removes the switch with its ports: neighbours lose their ports to it until it is back."""

    EXAMPLE: ClassVar[str] = "{action: switch-restart, target: edge, rate: 0.5}"
    VERBS: ClassVar[tuple[str, ...]] = ("stop", "start")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"nodes"})

    action: Literal["switch-restart"]
    target: Aim = Field(TargetKeys(), description="Switches and routers; default: all",
                        examples=[TargetKeys.EXAMPLE])  # fmt: skip
    down: Duration = Field(1.0, description="Time that a switch is removed", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the stops and starts; hosts that match are left out."""
        found = context.nodes(self.target)
        switches = [target for target in found if context.topology.kinds[target.number] != Kind.HOST]
        if not switches:
            raise context.error("target", "matches hosts only; write for example `target: switch`")
        return self.there_and_back(context, switches, self.down)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Remove the switch or add it again."""
        (context.remove_node if verb == "stop" else context.add_node)(target.number)
