"""Hub and spoke: one switch in the middle, k around it, n hosts on each of those (the star graph S_k)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context
from topologies.generators.parts import Count, SwitchGraphParams, add_hosts
from topologies.names import NameBlock
from topologies.topology import Kind, Topology


class Params(SwitchGraphParams):
    """Keys of `generator: star`."""

    generator: Literal["star"] = "star"
    k: Annotated[Count, Field(description="Switches around the hub")] = 4

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return 1 + self.with_hosts(self.k)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.with_hosts(self.k)


def generate(params: Params, context: Context) -> Topology:
    """Return the star: s1 in the middle (tier core), s2… around it (tier edge), hosts h1… ."""
    del context
    build = Builder()
    groups = np.arange(params.k)
    hub = build.add_nodes(Kind.SWITCH, "s", 1, tier="core")
    spokes = build.add_nodes(Kind.SWITCH, NameBlock(("s",), (params.k,), first=2), tier="edge", group=groups)
    add_hosts(build, spokes, params.hosts_per_switch, groups)
    build.add_links(hub, spokes)
    return build.build()
