"""k switches in a circle, n hosts on each: the cycle graph C_k, k links between switches."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, switch_graph
from topologies.topology import Topology


class Params(SwitchGraphParams):
    """Keys of `generator: ring`."""

    generator: Literal["ring"] = "ring"
    k: Annotated[int, Field(ge=3, le=10**12, description="Switches in the ring")] = 3

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.k)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.with_hosts(self.k)


def generate(params: Params, context: Context) -> Topology:
    """Return the ring s1…sk; hosts h1… in the order of their switches."""
    del context
    switch = np.arange(params.k)
    return switch_graph(params.k, np.stack([switch, np.roll(switch, -1)], axis=1), params.hosts_per_switch)
