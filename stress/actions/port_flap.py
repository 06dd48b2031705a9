"""port-flap: bring ports down, and up again later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext, Skipped
from stress.actions.base import PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class PortFlap(PacedAction):
    """Only this port goes down; the other end of the link loses its carrier."""

    EXAMPLE: ClassVar[str] = "{action: port-flap, target: host, rate: 100}"
    VERBS: ClassVar[tuple[str, ...]] = ("down", "up")
    BATCHED: ClassVar[bool] = True

    action: Literal["port-flap"]
    down: Duration = Field(0.1, description="Time that a port is down", examples=["100 ms"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the downs and ups."""
        return self.there_and_back(context, context.ports(self.target), self.down)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Set the port."""
        context.set_port(target, up=verb == "up")

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Set light ports."""
        return context.set_ports(targets, up=verb == "up")
