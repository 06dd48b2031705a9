"""controller-restart: controllers of the switches stop, and start again a while later."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.base import Hands, Moves, PacedAction, Room
from stress.keys import Aim, Target
from stress.targets import Thing, thing_name
from topologies.openflow_switches import controllers_of
from topologies.quantities import Duration

_NODES_ONLY = ("kind", "tier", "between")


class ControllerRestart(PacedAction):
    """A restart ends the controller's process; one that runs elsewhere is cut off. Its switches see
    the connection end, and what they know is lost or kept as their `fail_mode` has it.
    """  # noqa: D205 -- one sentence too long for a line

    EXAMPLE: ClassVar[str] = "{action: controller-restart, target: c0, rate: 0.2}"
    VERBS: ClassVar[tuple[str, ...]] = ("stop", "start")

    action: Literal["controller-restart"]
    target: Aim = Field(Target(), description="By name (c0, c1, …) or pattern; default: all", examples=["c0"])
    down: Duration = Field(1.0, description="Time that a controller is stopped", examples=["1 s"])

    def moves(self, room: Room) -> Moves:
        """Return the stops and starts of the controllers that match."""
        return self.there_and_back(room, self._controllers(room), self.down)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Stop the controller or start it again."""
        hands.set_controller(thing, up=verb == "start")

    def _controllers(self, room: Room) -> list[Thing]:
        """Return the controllers that the target means, in their order; ParameterError when none."""
        names = list(controllers_of(room.topology))
        if not names:
            words = (
                "no switch has a controller; give them `switch: ovs` and `openflow: {controller: learning}`"
            )
            raise room.error("action", words)
        for key in _NODES_ONLY:
            if getattr(self.target, key) is not None:
                raise room.error(
                    "target", f"`{key}` is of nodes; controllers go from {names[0]} to {names[-1]}"
                )
        patterns = [pattern for pattern in (self.target.match, self.target.name) if pattern is not None]
        things = [Thing("controller", number) for number in range(len(names))]
        found = [
            thing
            for thing in things
            if all(fnmatchcase(thing_name(room.topology, thing), pattern) for pattern in patterns)
        ]
        if not found:
            raise room.error("target", f"no controller matches; they go from {names[0]} to {names[-1]}")
        return room.some(found, self.target, "controller")
