"""Silent cut of a link, and its restoration: the port at one end goes down, the other loses its carrier."""

from __future__ import annotations

from stress.actions.action_context import ActionContext
from stress.targets import Target
from topologies.topology import Topology


def cut(context: ActionContext, link: int) -> None:
    """Cut `link`."""
    context.set_port(_port(context.network.topology, link), up=False)


def mended(context: ActionContext, link: int) -> None:
    """Restore `link`."""
    context.set_port(_port(context.network.topology, link), up=True)


def _port(topology: Topology, link: int) -> Target:
    return Target("port", int(topology.ends[link, 0]), int(topology.ports[link, 0]), link)
