"""Cut a link without telling the network: the port at one end goes down, the other loses its carrier."""

from __future__ import annotations

from stress.actions.base import Hands
from stress.targets import Thing
from topologies.topology import Topology


def cut(hands: Hands, link: int) -> None:
    """Cut `link`."""
    hands.set_port(_port(hands.network.topology, link), up=False)


def mended(hands: Hands, link: int) -> None:
    """Mend `link`."""
    hands.set_port(_port(hands.network.topology, link), up=True)


def _port(topology: Topology, link: int) -> Thing:
    return Thing("port", int(topology.ends[link, 0]), int(topology.ports[link, 0]), link)
