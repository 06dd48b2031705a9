"""migration: light ports move to other compute hosts, and back later."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import PacedAction
from stress.actions.light import light_among, moves_and_back, other_hosts
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class Migration(PacedAction):
    """Address and MAC stay, as when a cloud migrates a virtual machine: nothing under way is lost.

    A port moves only to compute hosts that carry ports with the addresses of its VPC.
    """

    EXAMPLE: ClassVar[str] = "{action: migration, target: 'v1*', rate: 20}"
    VERBS: ClassVar[tuple[str, ...]] = ("move", "home")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"migration"})

    action: Literal["migration"]
    target: Aim = Field(TargetKeys(), description="Ports that move; default: all", examples=["v1*"])
    to: Aim = Field(TargetKeys(), description="Compute hosts to move to; default: all", examples=["h[1-4]"])
    away: Duration = Field(1.0, description="Time that a port is elsewhere", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the moves, each to a host drawn by the seed, and the ways home."""
        nodes = light_among(context, context.nodes(self.target))
        hosts = {target.number for target in context.nodes_of(self.to, "to")}
        moves, back = moves_and_back(context, nodes, other_hosts(context, nodes, hosts, "to"))
        planned = self.there_and_back(context, moves, self.away)
        planned.target = planned.target + np.where(planned.verb == 1, len(moves), 0)
        return PlannedOperations(planned.at, planned.verb, planned.target, [*moves, *back])

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Move the port, or bring it back."""
        del verb
        context.move_port(target.number, target.port)
