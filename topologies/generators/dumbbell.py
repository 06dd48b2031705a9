"""Two switches joined by a bottleneck, hosts on both sides: the usual test bed of congestion control.

Floyd, Fall: Promoting the use of end-to-end congestion control in the Internet, IEEE/ACM
Transactions on Networking 7(4), 1999, uses it so; ns-3 calls it PointToPointDumbbellHelper.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count
from topologies.profiles import LinkProfile
from topologies.spec.explicit import LinkOptions
from topologies.spec.merge import merged_link
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: dumbbell`."""

    generator: Literal["dumbbell"] = "dumbbell"
    left: Annotated[Count, Field(description="Hosts on the left switch, s1")] = 2
    right: Annotated[Count, Field(description="Hosts on the right switch, s2")] = 2
    bottleneck: LinkOptions = Field(
        default_factory=LinkOptions, description="Properties of the link s1-s2, e.g. {bandwidth: 10 Mbit}"
    )

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.left + self.right + 2

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.left + self.right + 1


def generate(params: Params, context: Context) -> Topology:
    """Return the dumbbell: hosts h1… on s1, the rest on s2."""
    del context
    build = Builder()
    switches = build.add_nodes(Kind.SWITCH, "s", 2, group=np.arange(2))
    side = np.repeat([0, 1], [params.left, params.right])
    hosts = build.add_nodes(Kind.HOST, "h", len(side), group=side)
    build.add_links(switches[side], hosts)
    profile = merged_link(params.bottleneck, LinkProfile(), reverse=False)
    build.add_links(switches[0], switches[1], profile)
    return build.build()
