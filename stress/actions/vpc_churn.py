"""vpc-churn: delete VPCs with all their ports, and create them again later."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext, SkippedError
from stress.actions.base import PacedAction
from stress.actions.light import chosen_vpcs
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from stress.vpc_members import vpc_numbers
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


def ports_of(topology: Topology, vpc: int) -> list[int]:
    """Return the light nodes of a VPC, subnet after subnet."""
    nodes: list[int] = np.flatnonzero((vpc_numbers(topology) == vpc) & topology.light).tolist()
    return nodes


class VpcChurn(PacedAction):
    """All light ports of a VPC go at the same moment, like a tenant who leaves. Other VPCs don't notice."""

    EXAMPLE: ClassVar[str] = "{action: vpc-churn, target: v1, rate: 0.5}"
    VERBS: ClassVar[tuple[str, ...]] = ("delete", "create")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"ports"})

    action: Literal["vpc-churn"]
    target: Aim = Field(TargetKeys(), description="VPCs by name or pattern; default: all", examples=["v1"])
    away: Duration = Field(1.0, description="Time that a VPC is deleted", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the deletions and creations."""
        return self.there_and_back(context, chosen_vpcs(context, self.target), self.away)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Delete the ports of a VPC, or create them again; skipped when there is none to change."""
        topology = context.network.topology
        nodes: list[int] = context.kept((VpcChurn, target), lambda: ports_of(topology, target.number))
        skipped = context.set_nodes(nodes, removed=verb == "delete")
        if len(skipped) == len(nodes):
            raise SkippedError(skipped[0])
