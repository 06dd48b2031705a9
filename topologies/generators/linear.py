"""k switches in a row, n hosts on each, as Mininet's `--topo linear,k,n` (LinearTopo, mininet.org)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.families import Context
from topologies.generators.parts import Count, SwitchGraphParams, switch_graph
from topologies.topology import Topology


class Params(SwitchGraphParams):
    """Keys of `generator: linear`."""

    generator: Literal["linear"] = "linear"
    k: Annotated[Count, Field(description="Switches in the row")] = 2

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.k)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.with_hosts(self.k) - 1


def generate(params: Params, context: Context) -> Topology:
    """Return the row s1…sk; hosts h1… in the order of their switches."""
    del context
    switch = np.arange(params.k)
    return switch_graph(params.k, np.stack([switch[:-1], switch[1:]], axis=1), params.hosts_per_switch)
