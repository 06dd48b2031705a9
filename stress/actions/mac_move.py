"""mac-move: a host's MAC appears at another port, as when a virtual machine migrates, and returns later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr

from stress.actions.action_context import ActionContext
from stress.actions.base import Needs, PacedAction
from stress.actions.frames import Senders, arp, full_hosts, speaker
from stress.actions.light import light_among, moves_and_back, other_hosts
from stress.actions.plan_context import AddressedNode, PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target, matches_light
from topologies.spec.quantity_types import Duration
from topologies.topology import Topology

MOST_AWAY = 32_768
"""Light ports that are announced elsewhere at once: half of the room that maps have for former places."""


class MacMove(PacedAction):
    """The MAC seems to be elsewhere, and what is sent to it is lost there, until it is back.

    A gratuitous ARP of a host leaves by another host's port: bridges then send its traffic there. A
    gratuitous ARP from its own port brings it back. A light port's place in the tables of all compute hosts
    becomes another compute host, and its own again: where light ports match, they are what moves.
    """

    EXAMPLE: ClassVar[str] = "{action: mac-move, target: host, rate: 20}"
    VERBS: ClassVar[tuple[str, ...]] = ("move", "home")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"sockets"})

    action: Literal["mac-move"]
    target: Aim = Field(
        TargetKeys(kind="host"), description="Nodes whose MACs move", examples=[TargetKeys.EXAMPLE]
    )
    to: Aim | None = Field(
        None, description="Compute hosts where MACs of light ports appear; default: all", examples=["h[1-4]"]
    )
    away: Duration = Field(0.5, description="Time that a MAC is elsewhere", examples=["500 ms"])

    _of_light: bool | None = PrivateAttr(None)

    def needs(self, topology: Topology) -> Needs:
        """Return "session" for light ports: their places are in its tables; frames need the network."""
        if self._of_light is None:
            self._of_light = matches_light(topology, self.target)
        return "session" if self._of_light else "network"

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the moves and the ways home: each host's MAC moves to the port of the next one."""
        if self.needs(context.topology) == "session":
            return self._plan_light(context)
        if self.to is not None:
            words = "is for light ports, and the target matches none; leave `to` out: MACs of hosts appear"
            raise context.error("to", f"{words} at the next host's port")
        if len(full_hosts(context.topology)) < 2:
            raise context.error("target", "the network has one host; a MAC needs another one to move to")
        return self.there_and_back(context, context.ports(self.target), self.away)

    def _plan_light(self, context: PlanContext) -> PlannedOperations:
        """Return the moves of light ports among the target, each to a compute host drawn by the seed."""
        nodes = light_among(context, context.ports(self.target))
        hosts = {one.number for one in context.nodes_of(self.to or TargetKeys(), "to")}
        key = "target" if self.to is None else "to"
        moves, back = moves_and_back(context, nodes, other_hosts(context, nodes, hosts, key))
        planned = self.there_and_back(context, moves, self.away)
        most = _most_at_once(planned)
        if most > MOST_AWAY:
            words = f"{most:,} light ports would be away at once, {MOST_AWAY:,} at most"
            raise context.error("away", f"{words}; write a shorter time, or a lower rate")
        planned.target = planned.target + np.where(planned.verb == 1, len(moves), 0)
        return PlannedOperations(planned.at, planned.verb, planned.target, [*moves, *back])

    def addressed(self, target: Target) -> Iterator[AddressedNode]:
        """Yield the host whose MAC moves by ARP, which is for IPv4 only."""
        if target.kind == "port":
            yield AddressedNode(target.number, family="IPv4")

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return the node that announces the MAC; of light ports the port."""
        return [target.number if target.kind == "move" else self._speaks(topology, verb, target).number]

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Announce the MAC elsewhere, or where it is."""
        if target.kind == "move":
            context.announce_port(target.number, target.port if verb == "move" else None)
            return
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


def _most_at_once(planned: PlannedOperations) -> int:
    """Return how many targets are away at the same time, at most."""
    order = np.lexsort((-planned.verb, planned.at))
    away = np.cumsum(np.where(planned.verb[order] == 0, 1, -1)).max(initial=0)
    return min(int(away), len(planned.targets))
