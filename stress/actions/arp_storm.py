"""arp-storm: hosts ask for unused addresses; every bridge floods each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import Needs, PacedAction
from stress.actions.frames import Senders, arp, speaker, without_light
from stress.actions.plan_context import AddressedNode, PlanContext, PlannedOperations
from stress.keys import Aim, Problems, TargetKeys
from stress.targets import Target
from topologies.topology import Topology

_MOST = 200_000
_NOBODY = bytes((192, 0, 2, 1))
"""Address for documentation (RFC 5737), which no pool assigns to a host."""


class ArpStorm(PacedAction):
    """The storm is bounded by its rate and duration: the topology has no open loops that repeat frames."""

    EXAMPLE: ClassVar[str] = "{action: arp-storm, target: {kind: host, count: 4}, rate: 1000}"
    VERBS: ClassVar[tuple[str, ...]] = ("ask",)
    NEEDS: ClassVar[Needs] = "network"
    DISTURBS: ClassVar[bool] = False
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"sockets"})

    action: Literal["arp-storm"]
    target: Aim = Field(
        TargetKeys(kind="host"), description="Senders of ARP requests", examples=[TargetKeys.EXAMPLE]
    )
    frames: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="ARP requests per operation")

    def problems(self) -> Problems:
        """Yield the errors between the keys."""
        yield from super().problems()
        if self.highest_rate * self.frames > _MOST:
            key = "rate" if self.stages is None else "stages"
            yield (key,), f"{self.highest_rate * self.frames:,.0f} frames per second; {_MOST:,} at most"

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the times and senders of the requests; light ports that match are left out."""
        targets = without_light(
            context,
            context.ports(self.target),
            "nothing floods their ARP requests, which their own compute host answers",
        )
        at, target = self.begins(context, len(targets))
        return PlannedOperations(at, np.zeros(len(at), dtype=np.int64), target, targets)

    def addressed(self, target: Target) -> Iterator[AddressedNode]:
        """Yield the sender: ARP is for IPv4 only."""
        yield AddressedNode(target.number, family="IPv4")

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the node itself: nothing of its neighbours is used."""
        del topology, verb
        return [target.number]

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Send the requests."""
        del verb
        context.need_node(target.number)
        senders: Senders = context.kept((Senders, self.action), lambda: Senders(context))
        topology = context.network.topology
        frame = context.kept((self.action, target), lambda: arp(speaker(context, topology, target), _NOBODY))
        senders.send(target, frame, self.frames)
