"""Three layers of switches as SDN laboratories draw a small data centre.

L1: cores. L2: aggregation switches, each linked to each core. L3: edge switches with the hosts.
Aggregation switches work in pairs, and each edge switch is linked to both of its pair: 4 links
between 2 aggregation and 2 edge switches in the usual case of as many edge as aggregation switches.
The three-tier design of Cisco: Data Center Infrastructure Design Guide 2.5, 2007, chapter 1.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count, add_hosts, full_mesh
from topologies.topology import Kind, Topology


def _even(count: int) -> int:
    if count % 2:
        raise ValueError(f"aggregation switches work in pairs; write {count - 1 or 2} or {count + 1}")
    return count


class Params(GeneratorParams):
    """Keys of `generator: core-aggregation-edge`."""

    generator: Literal["core-aggregation-edge"] = "core-aggregation-edge"
    cores: Annotated[Count, Field(description="Core switches (L1)")] = 2
    aggregations: Annotated[
        Count, Field(description="Aggregation switches (L2), even"), AfterValidator(_even)
    ] = 4
    edges: Annotated[Count, Field(description="Edge switches (L3), as many on each aggregation pair")] = 4
    hosts_per_edge: Annotated[int, Field(ge=0, le=10**6, description="Hosts on each edge switch")] = 2

    @model_validator(mode="after")
    def _pairs_share_edges(self) -> Params:
        pairs = self.aggregations // 2
        if self.edges % pairs:
            near = max(round(self.edges / pairs), 1) * pairs
            raise ValueError(
                f"`edges` must be a multiple of the {pairs} aggregation pairs, got {self.edges}; write {near}"
            )
        return self

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.cores + self.aggregations + self.edges * (1 + self.hosts_per_edge)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.cores * self.aggregations + self.edges * (2 + self.hosts_per_edge)


def generate(params: Params, context: Context) -> Topology:
    """Return the layers: cores c1…, aggregation a1…, edge e1…, hosts h1… in the order of the edges."""
    del context
    pairs = params.aggregations // 2
    build = Builder()
    groups = np.arange(params.edges)
    core = build.add_nodes(Kind.SWITCH, "c", params.cores, tier="core")
    first_edge = np.repeat(groups.reshape(pairs, -1)[:, 0], 2)
    aggregation = build.add_nodes(Kind.SWITCH, "a", params.aggregations, tier="aggregation", group=first_edge)
    edge = build.add_nodes(Kind.SWITCH, "e", params.edges, tier="edge", group=groups)
    add_hosts(build, edge, params.hosts_per_edge, groups)
    build.add_links(*full_mesh(edge.reshape(pairs, -1), aggregation.reshape(pairs, 2)))
    build.add_links(*full_mesh(aggregation[None, :], core[None, :]))
    return build.build()
