"""Wanted state of a plan's nodes, including changes made to running links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from emulator.link_states import States, effective_shape
from emulator.linux.netlink.datagrams import HEADER
from emulator.linux.netlink.qdisc import shape_messages
from emulator.linux.observed.parse import Queue, queue
from emulator.node_settings import NodeSettings, PortSettings, node_settings
from emulator.plan import Plan
from emulator.tunnels import TunnelEnd
from topologies.identifiers import interface_name
from topologies.profiles import Shape

_ANY_INDEX = 1


@dataclass(frozen=True)
class WantedPort:
    """Port of a node: its number, its link, the index at the link's other end, and its settings.

    `tunnel` is the end of a tunnel to another machine that the port is; None for any other.
    """

    number: int
    link: int
    name: str
    peer: int
    cut: bool
    settings: PortSettings
    tunnel: TunnelEnd | None = None


class WantedState:
    """Settings of every node of `plan`. `states` are the live changes of links; the plan has them down."""

    def __init__(self, plan: Plan, states: States) -> None:
        self.plan = plan
        self.states = states

    @cached_property
    def cut(self) -> frozenset[int]:
        """Links that are down on purpose."""
        return frozenset(link for link, state in self.states.items() if not state.up)

    def node(self, node: int) -> tuple[NodeSettings, list[WantedPort]]:
        """Return the settings of `node`, and its ports in the order of their links."""
        topology, here = self.plan.topology, self.plan.here
        ends, row = here.indices.ends, here.link_row
        settings = node_settings(self.plan, node)
        ports = []
        for link, end, number in topology.incident(node):
            if link in self.states:
                shape = effective_shape(topology, self.states, link, end)
                settings.ports[number] = settings.ports[number]._replace(shape=shape)
            ports.append(
                WantedPort(
                    number, link, interface_name(topology, node, number), ends[row[link]][1 - end],
                    link in self.cut, settings.ports[number], here.tunnel(link),
                )
            )  # fmt: skip
        return settings, ports


@lru_cache(maxsize=1024)
def queues_of(shape: Shape, mtu: int) -> frozenset[Queue]:
    """Return the queues that `shape` creates on a link, in the form in which the kernel reports them.

    They are parsed from the messages that create them, so that only one place translates a shape.
    """
    bodies = (message[HEADER.size :] for message in shape_messages(_ANY_INDEX, shape, mtu))
    return frozenset(found[1] for body in bodies if (found := queue(body)) is not None)
