"""One switch and k hosts, as Mininet's `--topo single,k` (SingleSwitchTopo, mininet.org)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: single`."""

    generator: Literal["single"] = "single"
    hosts: Annotated[Count, Field(description="Hosts on the switch")] = 2

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.hosts + 1

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.hosts


def generate(params: Params, context: Context) -> Topology:
    """Return the switch s1 and the hosts h1… ."""
    del context
    build = Builder()
    switch = build.add_nodes(Kind.SWITCH, "s", 1, group=0)
    build.add_links(switch, build.add_nodes(Kind.HOST, "h", params.hosts, group=0))
    return build.build()
