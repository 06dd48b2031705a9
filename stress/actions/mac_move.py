"""mac-move: a host's MAC turns up at another port, as when a virtual machine moves, and goes home again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.base import Hands, Moves, Needs, PacedAction, Room, Speaking
from stress.actions.frames import Senders, arp, speaker
from stress.keys import Aim, Target
from stress.targets import Thing
from topologies.quantities import Duration


class MacMove(PacedAction):
    """A gratuitous ARP of the host from another's port: bridges then send its traffic there.

    It goes home by a gratuitous ARP of its own.
    """

    EXAMPLE: ClassVar[str] = "{action: mac-move, target: host, rate: 20}"
    VERBS: ClassVar[tuple[str, ...]] = ("move", "home")
    NEEDS: ClassVar[Needs] = "network"

    action: Literal["mac-move"]
    target: Aim = Field(Target(kind="host"), description="Nodes whose MACs move", examples=[Target.EXAMPLE])
    away: Duration = Field(0.5, description="Time that a MAC is elsewhere", examples=["500 ms"])

    def moves(self, room: Room) -> Moves:
        """Return the moves and the ways home: each host's MAC moves to the port of the next one."""
        things = room.ports(self.target)
        if len(room.topology.hosts) < 2:
            raise room.error("target", "the network has one host; a MAC needs another one to move to")
        return self.there_and_back(room, things, self.away)

    def addressed(self, thing: Thing) -> Iterator[Speaking]:
        """Give whose MAC moves: ARP is for IPv4 only."""
        yield Speaking(thing.number, family="IPv4")

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Announce the host's MAC from the other port, or from its own."""
        topology = hands.network.topology
        senders: Senders = hands.kept((Senders, self.action), lambda: Senders(hands))
        who = speaker(hands, topology, thing)
        speaks = thing if verb == "home" else self._other(hands, thing)
        hands.need_node(speaks.number)
        senders.send(speaks, arp(who, who.ip))

    def _other(self, hands: Hands, thing: Thing) -> Thing:
        """Return the port of the host that comes next."""
        topology = hands.network.topology
        hosts = topology.hosts
        place = int(np.searchsorted(hosts, thing.number)) + 1
        node = int(hosts[place % len(hosts)])
        link, _, port = topology.incident(node)[0]
        return Thing("port", node, port, link)
