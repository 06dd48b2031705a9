"""controller-restart: stop controllers of the switches, and start them again later."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import PacedAction
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target, target_name
from topologies.openflow_switches import controllers_of, switches_with
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology

_NODES_ONLY = ("kind", "tier", "between")


class ControllerRestart(PacedAction):
    """A restart ends the controller's process; one that runs elsewhere is cut off. Its switches see
    the connection end, and what they know is lost or kept as their `fail_mode` has it.
    """  # noqa: D205 -- one sentence too long for a line

    EXAMPLE: ClassVar[str] = "{action: controller-restart, target: c0, rate: 0.2}"
    VERBS: ClassVar[tuple[str, ...]] = ("stop", "start")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"controllers"})

    action: Literal["controller-restart"]
    target: Aim = Field(
        TargetKeys(), description="By name (c0, c1, …) or pattern; default: all", examples=["c0"]
    )
    down: Duration = Field(1.0, description="Time that a controller is stopped", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the stops and starts of the controllers that match."""
        return self.there_and_back(context, self._controllers(context), self.down)

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the controller's switches: each worker stops what its own are connected to."""
        del verb
        return switches_with(topology, target_name(topology, target))

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Stop the controller or start it again."""
        context.set_controller(target, up=verb == "start")

    def _controllers(self, context: PlanContext) -> list[Target]:
        """Return the controllers that the target selects, in order; ParameterError when there are none."""
        names = list(controllers_of(context.topology))
        if not names:
            words = (
                "no switch has a controller; give them `switch: ovs` and `openflow: {controller: learning}`"
            )
            raise context.error("action", words)
        for key in _NODES_ONLY:
            if getattr(self.target, key) is not None:
                raise context.error(
                    "target", f"`{key}` is of nodes; controllers go from {names[0]} to {names[-1]}"
                )
        patterns = [pattern for pattern in (self.target.match, self.target.name) if pattern is not None]
        targets = [Target("controller", number) for number in range(len(names))]
        found = [
            target
            for target in targets
            if all(fnmatchcase(target_name(context.topology, target), pattern) for pattern in patterns)
        ]
        if not found:
            raise context.error("target", f"no controller matches; they go from {names[0]} to {names[-1]}")
        return context.some(found, self.target, "controller")
