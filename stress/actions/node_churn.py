"""node-churn: remove hosts with all that runs in them, and make them again a while later."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from stress.actions.base import Hands, Moves, PacedAction, Room
from stress.keys import Aim, Target
from stress.targets import Thing
from topologies.quantities import Duration


class NodeChurn(PacedAction):
    """As pods or virtual machines come and go."""

    EXAMPLE: ClassVar[str] = "{action: node-churn, churn: {percent: 10 %, delay: 5 s}}"
    VERBS: ClassVar[tuple[str, ...]] = ("remove", "add")

    action: Literal["node-churn"]
    target: Aim = Field(
        Target(kind="host"), description="Nodes to remove; default: hosts", examples=[Target.EXAMPLE]
    )
    away: Duration = Field(1.0, description="Time that a node is removed", examples=["1 s"])

    def moves(self, room: Room) -> Moves:
        """Return the removals and additions."""
        return self.there_and_back(room, room.nodes(self.target), self.away)

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Remove or add the node."""
        (hands.remove_node if verb == "remove" else hands.add_node)(thing.number)
