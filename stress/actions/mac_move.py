"""mac-move: a host's MAC appears at another port, as when a virtual machine migrates, and returns later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import Needs, PacedAction
from stress.actions.frames import Senders, arp, full_hosts, speaker, without_light
from stress.actions.plan_context import AddressedNode, PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology


class MacMove(PacedAction):
    """A gratuitous ARP of the host leaves by another host's port: bridges then send its traffic there.

    A gratuitous ARP from its own port brings it back.
    """

    EXAMPLE: ClassVar[str] = "{action: mac-move, target: host, rate: 20}"
    VERBS: ClassVar[tuple[str, ...]] = ("move", "home")
    NEEDS: ClassVar[Needs] = "network"
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"sockets"})

    action: Literal["mac-move"]
    target: Aim = Field(
        TargetKeys(kind="host"), description="Nodes whose MACs move", examples=[TargetKeys.EXAMPLE]
    )
    away: Duration = Field(0.5, description="Time that a MAC is elsewhere", examples=["500 ms"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the moves and the ways home: each host's MAC moves to the port of the next one.

        Light ports that match are left out: no bridge learns where they are.
        """
        targets = without_light(context, context.ports(self.target), "`action: migration` moves them")
        if len(full_hosts(context.topology)) < 2:
            raise context.error("target", "the network has one host; a MAC needs another one to move to")
        return self.there_and_back(context, targets, self.away)

    def addressed(self, target: Target) -> Iterator[AddressedNode]:
        """Yield the host whose MAC moves: ARP is for IPv4 only."""
        yield AddressedNode(target.number, family="IPv4")

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the node that announces the MAC."""
        return [self._speaks(topology, verb, target).number]

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Announce the host's MAC from the other port, or from its own."""
        topology = context.network.topology
        senders: Senders = context.kept((Senders, self.action), lambda: Senders(context))
        who = speaker(context, topology, target)
        speaks = self._speaks(topology, verb, target)
        context.need_node(speaks.number)
        senders.send(speaks, arp(who, who.ip))

    def _speaks(self, topology: Topology, verb: str, target: Target) -> Target:
        """Return the port that announces the MAC: its own, or that of the next host."""
        if verb == "home":
            return target
        hosts = full_hosts(topology)
        place = int(np.searchsorted(hosts, target.number)) + 1
        node = int(hosts[place % len(hosts)])
        link, _, port = topology.incident(node)[0]
        return Target("port", node, port, link)
