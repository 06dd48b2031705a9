"""migration: light ports move to other compute hosts, and back later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import PacedAction
from stress.actions.light import light_among, spaces_of_hosts, spaces_of_nodes
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from topologies.spec.quantity_types import Duration


class Migration(PacedAction):
    """Address and MAC stay, as when a cloud migrates a virtual machine: nothing under way is lost.

    A port moves only to compute hosts that carry ports with the addresses of its VPC.
    """

    EXAMPLE: ClassVar[str] = "{action: migration, target: 'v1*', rate: 20}"
    VERBS: ClassVar[tuple[str, ...]] = ("move", "home")
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"migration"})

    action: Literal["migration"]
    target: Aim = Field(TargetKeys(), description="Ports that move; default: all", examples=["v1*"])
    to: Aim = Field(TargetKeys(), description="Compute hosts to move to; default: all", examples=["h[1-4]"])
    away: Duration = Field(1.0, description="Time that a port is elsewhere", examples=["1 s"])

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the moves, each to a host drawn by the seed, and the ways home."""
        nodes = light_among(context, context.nodes(self.target))
        hosts = {target.number for target in context.nodes_of(self.to, "to")}
        chosen = self._chosen(context, nodes, hosts)
        topology = context.topology
        homes = topology.light_hosts[nodes - topology.full.node_count].tolist()
        links = [topology.incident(node)[0].link for node in nodes.tolist()]
        ways = zip(nodes.tolist(), chosen.tolist(), homes, links, strict=True)
        moves, back = [], []
        for node, host, home, link in ways:
            moves.append(Target("move", node, host, link))
            back.append(Target("move", node, home, link))
        planned = self.there_and_back(context, moves, self.away)
        planned.target = planned.target + np.where(planned.verb == 1, len(moves), 0)
        return PlannedOperations(planned.at, planned.verb, planned.target, [*moves, *back])

    def _chosen(
        self, context: PlanContext, nodes: npt.NDArray[np.int64], hosts: set[int]
    ) -> npt.NDArray[np.int64]:
        """Return a compute host for each of `nodes`, other than its own: int64[k]."""
        topology = context.topology
        spaces = spaces_of_nodes(topology)[nodes]
        homes = topology.light_hosts[nodes - topology.full.node_count]
        drawn = context.stream("host").integers(1 << 30, len(nodes))
        chosen = np.empty(len(nodes), dtype=np.int64)
        for space in np.unique(spaces).tolist():
            rows = np.flatnonzero(spaces == space)
            fit = np.array(sorted(hosts & spaces_of_hosts(topology)[space]), dtype=np.int64)
            at = np.searchsorted(fit, homes[rows])
            own = (at < len(fit)) & (np.append(fit, -1)[at] == homes[rows])
            count = len(fit) - own
            if not count.all():
                self._refuse(context, nodes[rows[count == 0]].tolist())
            place = drawn[rows] % count
            chosen[rows] = fit[place + (own & (place >= at))]
        return chosen

    def _refuse(self, context: PlanContext, nodes: Sequence[int]) -> None:
        words = f"leaves no other compute host with the addresses of `{context.topology.names[nodes[0]]}`"
        raise context.error("to", f"{words}; a port moves between hosts that carry ports of its VPC")

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Move the port, or bring it back."""
        del verb
        context.move_port(target.number, target.port)
