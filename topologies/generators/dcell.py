"""DCell: servers that relay for each other, built recursively out of small cells around one switch.

Guo et al.: DCell: A Scalable and Fault-Tolerant Network Structure for Data Centers, SIGCOMM 2008,
section 3. A DCell_0 is n servers and a switch: t_0 = n. A DCell_l is g_l = t_(l-1) + 1 DCells of
level l-1, each linked to each other one by one link between servers: t_l = g_l t_(l-1) servers.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.profiles import NodeProfile
from topologies.topology import I64, Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: dcell`."""

    generator: Literal["dcell"] = "dcell"
    n: Annotated[int, Field(ge=2, le=10**6, description="Servers around each switch")] = 4
    k: Annotated[int, Field(ge=0, le=5, description="Highest level; servers have k+1 ports")] = 1

    def servers(self) -> list[int]:
        """Return t_0 … t_k: the number of servers of a DCell of each level."""
        sizes = [self.n]
        for _ in range(self.k):
            sizes.append(sizes[-1] * (sizes[-1] + 1))
        return sizes

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        total = self.servers()[-1]
        return total + total // self.n

    def link_estimate(self) -> int:
        """Return the exact number of links: each server has one to its switch and half of one per level."""
        total = self.servers()[-1]
        return total + total * self.k // 2


def _links_of_level(below: int, total: int) -> tuple[I64, I64]:
    """Return the links inside all DCells of the level above DCells of `below` servers.

    In each, for i < j, server j-1 of cell i is linked to server i of cell j (the paper's BuildDCells).
    """
    i, j = np.triu_indices(below + 1, 1)
    first, second = i * below + (j - 1), j * below + i
    size = below * (below + 1)
    starts = np.arange(0, total, size)[:, None]
    return (starts + first).ravel(), (starts + second).ravel()


def generate(params: Params, context: Context) -> Topology:
    """Return DCell_k: servers h1… (relays; port 0 to the switch, port l to level l), switches s1… ."""
    del context
    sizes = params.servers()
    total = sizes[-1]
    build = Builder()
    cell = np.arange(total) // params.n
    switches = build.add_nodes(Kind.SWITCH, "s", total // params.n, group=np.arange(total // params.n))
    hosts = build.add_nodes(Kind.HOST, "h", total, group=cell, profile=NodeProfile(relay=True))
    build.add_links(switches[cell], hosts)
    for below in sizes[:-1]:
        first, second = _links_of_level(below, total)
        build.add_links(hosts[first], hosts[second])
    return build.build()
