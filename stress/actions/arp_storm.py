"""arp-storm: hosts ask for addresses that nobody has; every bridge must carry each question everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.base import Hands, Moves, Needs, PacedAction, Room, Speaking
from stress.actions.frames import Senders, arp, speaker
from stress.keys import Aim, Problems, Target
from stress.targets import Thing

_MOST = 200_000
_NOBODY = bytes((192, 0, 2, 1))
"""An address for documentation (RFC 5737), that no pool gives to a host."""


class ArpStorm(PacedAction):
    """Bounded by its rate and its time: frames never repeat themselves, the topology has no open loops."""

    EXAMPLE: ClassVar[str] = "{action: arp-storm, target: {kind: host, count: 4}, rate: 1000}"
    VERBS: ClassVar[tuple[str, ...]] = ("ask",)
    NEEDS: ClassVar[Needs] = "network"
    DISTURBS: ClassVar[bool] = False

    action: Literal["arp-storm"]
    target: Aim = Field(Target(kind="host"), description="Senders of ARP requests", examples=[Target.EXAMPLE])
    frames: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="ARP requests per operation")

    def problems(self) -> Problems:
        """Yield what is wrong between the keys."""
        yield from super().problems()
        if self.rate is not None and self.rate * self.frames > _MOST:
            yield ("rate",), f"{self.rate * self.frames:,.0f} frames per second; {_MOST:,} at most"

    def moves(self, room: Room) -> Moves:
        """Return when who asks."""
        things = room.ports(self.target)
        at, thing = self.begins(room, len(things))
        return Moves(at, np.zeros(len(at), dtype=np.int64), thing, things)

    def addressed(self, thing: Thing) -> Iterator[Speaking]:
        """Give who asks: ARP is for IPv4 only."""
        yield Speaking(thing.number, family="IPv4")

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Ask."""
        del verb
        hands.need_node(thing.number)
        senders: Senders = hands.kept((Senders, self.action), lambda: Senders(hands))
        topology = hands.network.topology
        frame = hands.kept((self.action, thing), lambda: arp(speaker(hands, topology, thing), _NOBODY))
        senders.send(thing, frame, self.frames)
