"""Tree of switches with hosts as leaves, as Mininet's `--topo tree,depth,fanout`.

Every switch has `fanout` children; the switches at level `depth` have hosts as children:
fanout^depth hosts and (fanout^depth - 1) / (fanout - 1) switches. Source: Mininet's
documentation of TreeTopo (mininet.org), which numbers nodes depth-first; here they are numbered
level by level, so that each level is one run of indices.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.names import NameBlock
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: tree`."""

    generator: Literal["tree"] = "tree"
    depth: Annotated[int, Field(ge=1, le=24, description="Levels of switches")] = 2
    fanout: Annotated[int, Field(ge=1, le=100_000, description="Children of each switch")] = 2

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return sum(self.fanout**level for level in range(self.depth + 1))

    def link_estimate(self) -> int:
        """Return the exact number of links: one above each node but the root."""
        return self.node_estimate() - 1


def generate(params: Params, context: Context) -> Topology:
    """Return the tree; hosts h1…, switches s1… with s1 the root."""
    del context
    depth, fanout = params.depth, params.fanout
    widths = [fanout**level for level in range(depth + 1)]
    build = Builder()
    leaf_groups = widths[depth - 1]
    levels = []
    switches_before = 0
    for level in range(depth):
        group = np.arange(widths[level]) * (leaf_groups // widths[level])
        name = NameBlock(("s",), (widths[level],), first=switches_before + 1)
        tier = "edge" if level == depth - 1 else ("core" if level == 0 else "aggregation")
        levels.append(build.add_nodes(Kind.SWITCH, name, tier=tier, group=group))
        switches_before += widths[level]
    levels.append(
        build.add_nodes(Kind.HOST, "h", widths[depth], group=np.repeat(np.arange(leaf_groups), fanout))
    )
    for upper, lower in pairwise(levels):
        build.add_links(np.repeat(upper, fanout), lower)
    return build.build()
