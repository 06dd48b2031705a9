"""traffic: TCP and UDP flows between pairs of hosts, for as long as the step lasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from emulator.errors import BrokenError
from stress.actions.base import Action, Hands, Moves, Needs, Room, Speaking
from stress.actions.flow_group import Flow, FlowGroup, Using
from stress.keys import Aim, Target
from stress.targets import Thing
from topologies.quantities import Rate


class Traffic(Action):
    """Each flow goes from a host to another one, drawn by the seed."""

    EXAMPLE: ClassVar[str] = "{action: traffic, flows: 10, protocol: udp, bandwidth: 1 Mbit}"
    VERBS: ClassVar[tuple[str, ...]] = ("start", "stop")
    NEEDS: ClassVar[Needs] = "network alone"
    DISTURBS: ClassVar[bool] = False

    action: Literal["traffic"]
    flows: Annotated[int, Field(ge=1, le=1000)] = Field(4, description="Number of flows", examples=["10"])
    protocol: Literal["tcp", "udp"] = Field("tcp", description="TCP as fast as possible, or UDP at its rate")
    bandwidth: Rate | None = Field(None, description="Rate of each flow; default: TCP as fast as possible",
                                   examples=["1 Mbit"])  # fmt: skip
    size: Annotated[int, Field(ge=16, le=65000)] = Field(1400, description="Bytes per datagram or write")
    source: Aim = Field(Target(kind="host"), description="Senders", examples=[Target.EXAMPLE])
    target: Aim = Field(Target(kind="host"), description="Receivers", examples=[Target.EXAMPLE])
    using: Using = Field("own", description="Built-in senders, or iperf3")

    def moves(self, room: Room) -> Moves:
        """Return the begin of each flow, and their common end."""
        sources = [thing.number for thing in room.nodes_of(self.source, "source")]
        targets = [thing.number for thing in room.nodes_of(self.target, "target")]
        if len({*sources, *targets}) < 2:
            raise room.error("target", "is the only host that sends; a flow needs two")
        one = room.stream("source").integers(len(sources), self.flows)
        other = room.stream("target of flow").integers(len(targets), self.flows)
        things = []
        for k in range(self.flows):
            source, at = sources[one[k]], int(other[k])
            while targets[at] == source and len(targets) > 1:
                at = (at + 1) % len(targets)
            if targets[at] == source:
                source = next(node for node in sources if node != targets[at])
            things.append(Thing("flow", source, targets[at], k))
        at_ = np.array([0] * self.flows + [room.end], dtype=np.int64)
        verb = np.array([0] * self.flows + [1], dtype=np.int64)
        return Moves(at_, verb, np.append(np.arange(self.flows), 0), things)

    def addressed(self, thing: Thing) -> Iterator[Speaking]:
        """Give both ends of a flow."""
        yield Speaking(thing.number, "source")
        yield Speaking(thing.port, "target")

    def do(self, hands: Hands, verb: str, thing: Thing) -> None:
        """Begin a flow, or end all of them and report."""
        group: FlowGroup = hands.kept((Traffic, id(self)), lambda: FlowGroup(hands, self.using))
        begun: list[Thing] = hands.kept((list, id(self)), list)
        bandwidth = self.bandwidth or (1e6 if self.protocol == "udp" else None)
        if verb == "start":
            for node in (thing.number, thing.port):
                hands.need_node(node)
            group.start(
                Flow(thing.number, thing.port, self.protocol, bandwidth, self.size, self.duration or 10)
            )
            begun.append(thing)
            return
        names = hands.network.topology.names
        results = group.results()
        if len(results) != len(begun):
            raise BrokenError(f"the senders told of {len(results)} flows, though {len(begun)} were begun")
        for flow, found in zip(begun, results, strict=True):
            what = {"step": self.name, "source": names[flow.number], "target": names[flow.port],
                    "protocol": self.protocol}  # fmt: skip
            hands.report("traffic", what | found)
