"""port-flap: bring ports down, and up again a while later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.base import Hands, Moves, PacedAction, Room
from stress.targets import Thing
from topologies.quantities import Duration


class PortFlap(PacedAction):
    """Only this port goes down: what is at its other end sees the carrier go."""

    EXAMPLE: ClassVar[str] = "{action: port-flap, target: host, rate: 100}"
    VERBS: ClassVar[tuple[str, ...]] = ("down", "up")

    action: Literal["port-flap"]
    down: Duration = Field(0.1, description="Time that a port is down", examples=["100 ms"])

    def moves(self, room: Room) -> Moves:
        """Return the downs and ups."""
        return self.there_and_back(room, room.ports(self.target), self.down)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Set the port."""
        hands.set_port(thing, up=verb == "up")
