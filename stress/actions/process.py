"""process: run a command in nodes; a command that fails is an error."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from emulator.errors import BrokenError
from stress.actions.action_context import ActionContext
from stress.actions.base import Needs, PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.targets import Target
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


class Process(PacedAction):
    """Latency is that of the whole command, from when it was due. Its processes end with the run."""

    EXAMPLE: ClassVar[str] = "{action: process, target: host, rate: 5, command: [ip, link]}"
    VERBS: ClassVar[tuple[str, ...]] = ("run",)
    NEEDS: ClassVar[Needs] = "network"
    DISTURBS: ClassVar[bool] = False

    action: Literal["process"]
    command: Annotated[list[str], Field(min_length=1)] = Field(
        description="Program and arguments; no shell", examples=["[ip, link]"]
    )
    timeout: Annotated[Duration, Field(gt=0)] = Field(
        10.0, description="Time after which it is ended", examples=["10 s"]
    )

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the times and nodes of the command's runs."""
        targets = context.nodes(self.target)
        at, target = self.begins(context, len(targets))
        return PlannedOperations(at, np.zeros(len(at), dtype=np.int64), target, targets)

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the node itself: nothing of its neighbours is used."""
        del topology, verb
        return [target.number]

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Run the command and wait for it."""
        del verb
        context.need_node(target.number)
        result = context.network.access.execute([target.number], context.marked(self.command), self.timeout)[
            0
        ]
        if result.failed:
            raise BrokenError(f"`{self.command[0]}` gave exit code {result.code}")
