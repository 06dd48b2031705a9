"""port-churn: remove links with the ports at both their ends, and make them again a while later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.base import Hands, Moves, PacedAction, Room
from stress.targets import Thing
from topologies.quantities import Duration


class PortChurn(PacedAction):
    """The ports are gone, not down: switches forget them, and they come back with the same names."""

    EXAMPLE: ClassVar[str] = "{action: port-churn, target: host, rate: 50}"
    VERBS: ClassVar[tuple[str, ...]] = ("remove", "add")

    action: Literal["port-churn"]
    away: Duration = Field(0.5, description="Time that a port is removed", examples=["500 ms"])

    def moves(self, room: Room) -> Moves:
        """Return the removals and additions."""
        return self.there_and_back(room, room.links(self.target), self.away)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Remove or add the link."""
        (hands.remove_link if verb == "remove" else hands.add_link)(thing.number)
