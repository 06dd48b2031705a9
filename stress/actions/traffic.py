"""traffic: TCP and UDP flows between pairs of hosts, for as long as the step lasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from stress.actions.action_context import ActionContext
from stress.actions.base import Action, Needs
from stress.actions.flow_group import Flow, FlowGroup, Using
from stress.actions.plan_context import AddressedNode, PlanContext, PlannedOperations
from stress.keys import Aim, TargetKeys
from stress.targets import Target
from stress.vpc_members import vpc_numbers, with_partners
from topologies.spec.quantity_types import Rate
from topologies.topology import Topology


class Traffic(Action):
    """Each flow goes from a host to another one, drawn by the seed."""

    EXAMPLE: ClassVar[str] = "{action: traffic, flows: 10, protocol: udp, bandwidth: 1 Mbit}"
    VERBS: ClassVar[tuple[str, ...]] = ("start", "stop")
    NEEDS: ClassVar[Needs] = "network alone"
    DISTURBS: ClassVar[bool] = False
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"sockets"})

    action: Literal["traffic"]
    flows: Annotated[int, Field(ge=1, le=1000)] = Field(4, description="Number of flows", examples=["10"])
    protocol: Literal["tcp", "udp"] = Field("tcp", description="TCP as fast as possible, or UDP at its rate")
    bandwidth: Rate | None = Field(None, description="Rate of each flow; default: TCP as fast as possible",
                                   examples=["1 Mbit"])  # fmt: skip
    size: Annotated[int, Field(ge=16, le=65000)] = Field(1400, description="Bytes per datagram or write")
    source: Aim = Field(TargetKeys(kind="host"), description="Senders", examples=[TargetKeys.EXAMPLE])
    target: Aim = Field(TargetKeys(kind="host"), description="Receivers", examples=[TargetKeys.EXAMPLE])
    using: Using = Field("own", description="Built-in senders, or iperf3")

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return the start of each flow, and their common end."""
        sources = [target.number for target in context.nodes_of(self.source, "source")]
        sinks = [target.number for target in context.nodes_of(self.target, "target")]
        if len({*sources, *sinks}) < 2:
            raise context.error("target", "is the only host that sends; a flow needs two")
        sources, by_vpc = with_partners(context.topology, sources, sinks)
        if not sources:
            raise context.error("target", "is in other VPCs than the sources, which don't reach it")
        numbers = vpc_numbers(context.topology)[sources]
        one = context.stream("source").integers(len(sources), self.flows)
        other = context.stream("target of flow").integers(len(sinks), self.flows)
        targets = []
        for k in range(self.flows):
            source, sinks = sources[one[k]], by_vpc[int(numbers[one[k]])]
            at = int(other[k]) % len(sinks)
            while sinks[at] == source:
                at = (at + 1) % len(sinks)
            targets.append(Target("flow", source, sinks[at], k))
        at_ = np.array([0] * self.flows + [context.end], dtype=np.int64)
        verb = np.array([0] * self.flows + [1], dtype=np.int64)
        return PlannedOperations(at_, verb, np.append(np.arange(self.flows), 0), targets)

    def addressed(self, target: Target) -> Iterator[AddressedNode]:
        """Yield both ends of a flow."""
        yield AddressedNode(target.number, "source")
        yield AddressedNode(target.port, "target")

    def acts_on(self, topology: Topology, verb: str, target: Target) -> list[int]:
        """Return both ends of a flow: each begins on its own worker."""
        del topology, verb
        return [target.number, target.port]

    def acts_everywhere(self, topology: Topology, verb: str, target: Target) -> bool:
        """Return whether all workers carry out an operation: flows end on all."""
        del topology, target
        return verb == "stop"

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Begin a flow, or end all of them and report."""
        group: FlowGroup = context.kept(
            (Traffic, id(self)), lambda: FlowGroup(context, self.using, self.name or self.action)
        )
        if verb == "start":
            bandwidth = self.bandwidth or (1e6 if self.protocol == "udp" else None)
            number, seconds = target.link, self.duration or 10
            group.start(
                Flow(number, target.number, target.port, self.protocol, bandwidth, self.size, seconds)
            )
            return
        for half in group.results():
            context.report("traffic", half)
