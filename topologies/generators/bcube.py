"""BCube: servers with several ports that relay for each other, and levels of n-port switches.

Guo et al.: BCube: A High Performance, Server-centric Network Architecture for Modular Data
Centers, SIGCOMM 2009, section 3.1. BCube_k of n-port switches: n^(k+1) servers with k+1 ports,
k+1 levels of n^k switches. A server's number has k+1 digits to the base n; a switch of level l
joins the n servers whose numbers differ in digit l only.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.names import NameBlock
from topologies.profiles import NodeProfile
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: bcube`."""

    generator: Literal["bcube"] = "bcube"
    n: Annotated[int, Field(ge=2, le=10**6, description="Ports of each switch")] = 4
    k: Annotated[int, Field(ge=0, le=24, description="Highest level; servers have k+1 ports")] = 1

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return int(self.n ** (self.k + 1) + (self.k + 1) * self.n**self.k)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return int((self.k + 1) * self.n ** (self.k + 1))


def generate(params: Params, context: Context) -> Topology:
    """Return BCube_k: servers h1… (relays; port l goes to level l), switches s1… level by level.

    The switches of level l are of tier `level<l>`.
    """
    del context
    n, levels = params.n, params.k + 1
    per_level = n**params.k
    build = Builder()
    server = np.arange(n**levels)
    hosts = build.add_nodes(
        Kind.HOST, "h", len(server), group=server // n, profile=NodeProfile(relay=True)
    )  # a leaf group is a BCube_0: n servers and their switch of level 0
    for level in range(levels):
        low, high = server % n**level, server // n ** (level + 1)
        switch_of = high * n**level + low  # the server's number without digit `level`
        index = np.arange(per_level)
        first_server = index // n**level * n ** (level + 1) + index % n**level
        switches = build.add_nodes(
            Kind.SWITCH, NameBlock(("s",), (per_level,), first=level * per_level + 1),
            tier=f"level{level}", group=first_server // n,
        )  # fmt: skip
        build.add_links(switches[switch_of], hosts)
    return build.build()
