"""port-churn: remove links with the ports at both ends, and add them again later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext, Skipped
from stress.actions.base import PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class PortChurn(PacedAction):
    """The ports are gone, not down: switches forget them, and they come back with the same names."""

    EXAMPLE: ClassVar[str] = "{action: port-churn, target: host, rate: 50}"
    VERBS: ClassVar[tuple[str, ...]] = ("remove", "add")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"links"})
    BATCHED: ClassVar[bool] = True

    action: Literal["port-churn"]
    away: Duration = Field(0.5, description="Time that a port is removed", examples=["500 ms"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the removals and additions."""
        return self.there_and_back(context, context.links(self.target), self.away)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Remove or add the link."""
        (context.remove_link if verb == "remove" else context.add_link)(target.number)

    def do_all(self, context: ActionContext, verb: str, targets: Sequence[Target]) -> Skipped:
        """Remove or add links of light ports."""
        return context.set_links([target.number for target in targets], removed=verb == "remove")
