"""vpc-growth: a VPC starts with few of its ports and grows until it has them all, or a limit breaks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import psutil
from pydantic import Field

from emulator.errors import EmulationError
from stress.actions.action_context import ActionContext, StepOverError
from stress.actions.base import Action
from stress.actions.light import chosen_vpcs
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.actions.vpc_churn import ports_of
from stress.arrivals import MICRO
from stress.keys import Aim
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class VpcGrowth(Action):
    """Each operation creates the next ports, subnet after subnet, up to those of the file."""

    EXAMPLE: ClassVar[str] = "{action: vpc-growth, target: v1, ports: 1000, interval: 500 ms}"
    VERBS: ClassVar[tuple[str, ...]] = ("grow", "fill")
    CLOSED: ClassVar[bool] = True
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"ports"})

    action: Literal["vpc-growth"]
    target: Aim = Field(description="The VPC by name", examples=["v1"])
    ports: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        100, description="Ports at first, and ports to create at each operation", examples=["1000"]
    )
    interval: Annotated[Duration, Field(gt=0)] = Field(
        1.0,
        description="Time between the begins of two operations, or as long as the first of them takes",
        examples=["500 ms"],
    )
    slowest: Duration = Field(1.0, description="Limit: maximum time of one operation", examples=["100 ms"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return when the VPC grows, and when it is filled up at last."""
        targets = chosen_vpcs(context, self.target)
        if len(targets) > 1:
            raise context.error(
                "target", f"matches {len(targets):,} VPCs; one step grows one: write its name"
            )
        interval = max(1, round(self.interval * MICRO))
        grows = -(-len(ports_of(context.topology, targets[0].number)) // self.ports)
        count = min(-(-context.end // interval), grows)
        context.require_few(count, "interval")
        at = np.arange(count + 1, dtype=np.int64) * interval
        at[-1] = min(context.end, count * interval)
        verb = np.append(np.zeros(count, dtype=np.int64), 1)
        return PlannedOperations(at, verb, np.zeros(count + 1, dtype=np.int64), targets)

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Create the next ports, or all that are left; then the step ends with its report."""
        growing: Growing = context.kept((VpcGrowth, id(self)), lambda: Growing(self, context, target.number))
        if verb == "grow":
            growing.grow()
            return
        growing.fill()
        growing.close()
        raise StepOverError


class Growing:
    """State of one step: the ports of its VPC, and how many of them there are."""

    def __init__(self, step: VpcGrowth, context: ActionContext, number: int) -> None:
        self._step, self._context = step, context
        self._nodes = ports_of(context.network.topology, number)
        self._there = len(self._nodes)
        self._sizes: list[dict[str, float]] = []
        self._stopped_by = ""
        self._closed = False

    def grow(self) -> None:
        """Create the next ports; the first time, remove all others. StepOverError after a broken limit."""
        if self._stopped_by:
            self.fill()
            self.close()
            raise StepOverError(f"stopped: {self._stopped_by}")
        begin, size = self._context.clock(), self._step.ports
        try:
            if not self._sizes:
                self._there = min(size, len(self._nodes))
                self._context.set_nodes(self._nodes[self._there :], removed=True)
            else:
                self._context.set_nodes(self._nodes[self._there : self._there + size], removed=False)
                self._there = min(self._there + size, len(self._nodes))
        except EmulationError as error:
            self._stopped_by = str(error).splitlines()[0]
            return
        seconds = self._context.clock() - begin
        if seconds > self._step.slowest:
            self._stopped_by = f"an operation took {seconds:.3g} s, more than {self._step.slowest:g} s"
            return
        self._sizes.append({
            "hosts": self._there, "seconds": round(seconds, 6),
            "memory_available": psutil.virtual_memory().available,
        })  # fmt: skip

    def fill(self) -> None:
        """Create all ports that are left."""
        rest, self._there = self._nodes[self._there :], len(self._nodes)
        self._context.set_nodes(rest, removed=False)

    def close(self) -> None:
        """Report once."""
        if self._closed:
            return
        self._closed = True
        self._context.report("ramp", {
            "step": self._step.name, "sizes": self._sizes,
            "last_good": self._sizes[-1]["hosts"] if self._sizes else 0,
            "stopped_by": self._stopped_by, "grown": "light ports in the VPC",
        })  # fmt: skip
