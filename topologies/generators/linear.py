"""k switches in a row, n hosts on each, as Mininet's `--topo linear,k,n` (LinearTopo, mininet.org)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: linear`."""

    generator: Literal["linear"] = "linear"
    k: Annotated[int, Field(ge=1, description="Switches in the row")] = 2
    hosts_per_switch: Annotated[int, Field(ge=0, description="Hosts on each switch")] = 1

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.k * (1 + self.hosts_per_switch)


def generate(params: Params, context: Context) -> Topology:
    """Return the row s1…sk; hosts h1… in the order of their switches."""
    del context
    build = Builder()
    groups = np.arange(params.k)
    switches = build.add_nodes(Kind.SWITCH, "s", params.k, group=groups)
    group = np.repeat(groups, params.hosts_per_switch)
    hosts = build.add_nodes(Kind.HOST, "h", len(group), group=group)
    build.add_links(np.repeat(switches, params.hosts_per_switch), hosts)
    build.add_links(switches[:-1], switches[1:])
    return build.build()
