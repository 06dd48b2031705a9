"""k switches, each linked to each, n hosts on each: the complete graph K_k, k (k - 1) / 2 links between."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, switch_graph
from topologies.topology import Topology


class Params(SwitchGraphParams):
    """Keys of `generator: mesh`."""

    generator: Literal["mesh"] = "mesh"
    k: Annotated[int, Field(ge=2, le=10**12, description="Switches in the mesh")] = 4

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.k)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.k * (self.k - 1) // 2 + self.k * self.hosts_per_switch


def generate(params: Params, context: Context) -> Topology:
    """Return the mesh s1…sk; hosts h1… in the order of their switches."""
    del context
    ends = np.stack(np.triu_indices(params.k, 1), axis=1)
    return switch_graph(params.k, ends, params.hosts_per_switch)
