"""switch-restart: switches and routers lose all that they know, and come back a while later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.base import Hands, Moves, PacedAction, Room
from stress.keys import Aim, Target
from stress.targets import Thing
from topologies.quantities import Duration
from topologies.topology import Kind


class SwitchRestart(PacedAction):
    """A restart takes the switch away with its ports: neighbours lose theirs until it is back."""

    EXAMPLE: ClassVar[str] = "{action: switch-restart, target: edge, rate: 0.5}"
    VERBS: ClassVar[tuple[str, ...]] = ("stop", "start")

    action: Literal["switch-restart"]
    target: Aim = Field(Target(), description="Switches and routers; default: all",
                        examples=[Target.EXAMPLE])  # fmt: skip
    down: Duration = Field(1.0, description="Time that a switch is removed", examples=["1 s"])

    def moves(self, room: Room) -> Moves:
        """Return the stops and starts; hosts that match are left out."""
        found = room.nodes(self.target)
        switches = [thing for thing in found if room.topology.kinds[thing.number] != Kind.HOST]
        if not switches:
            raise room.error("target", "matches hosts only; write for example `target: switch`")
        return self.there_and_back(room, switches, self.down)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Take the switch away or make it again."""
        (hands.remove_node if verb == "stop" else hands.add_node)(thing.number)
