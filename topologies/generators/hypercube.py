"""Hypercube of d dimensions: 2^d switches, linked where their numbers differ in one bit.

Saad, Schultz: Topological properties of hypercubes, IEEE Transactions on Computers 37(7), 1988:
d 2^(d-1) links between switches, diameter d.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, switch_graph
from topologies.topology import Topology


class Params(SwitchGraphParams):
    """Keys of `generator: hypercube`."""

    generator: Literal["hypercube"] = "hypercube"
    dimension: Annotated[int, Field(ge=1, le=64, description="Dimensions; 2^dimension switches")] = 3

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(1 << self.dimension)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return (self.dimension << self.dimension) // 2 + (self.hosts_per_switch << self.dimension)


def generate(params: Params, context: Context) -> Topology:
    """Return the hypercube: switch number i (from 0) is s<i+1>; hosts h1… in the order of their switches."""
    del context
    count = 2**params.dimension
    switch = np.arange(count)
    ends = []
    for bit in range(params.dimension):
        low = switch[switch & (1 << bit) == 0]
        ends.append(np.stack([low, low | (1 << bit)], axis=1))
    return switch_graph(count, np.concatenate(ends), params.hosts_per_switch)
