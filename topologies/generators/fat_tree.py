"""Three-level fat-tree of k-port switches.

Al-Fares, Loukissas, Vahdat: A Scalable, Commodity Data Center Network Architecture, SIGCOMM
2008. k pods, each of k/2 edge and k/2 aggregation switches, full mesh inside the pod;
(k/2)^2 core switches, core (i, j) to aggregation i of each pod; k/2 hosts on each edge switch:
k^3/4 hosts and 5k^2/4 switches.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.topology import Kind, Topology


def _even(k: int) -> int:
    if k % 2:
        raise ValueError(
            f"a fat-tree is made of switches with an even number of ports; write {k - 1} or {k + 1}"
        )
    return k


class Params(GeneratorParams):
    """Keys of `generator: fat-tree`."""

    generator: Literal["fat-tree"] = "fat-tree"
    k: Annotated[
        int, Field(ge=2, le=256, description="Ports of each switch, even"), AfterValidator(_even)
    ] = 4

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.k**3 // 4 + 5 * self.k**2 // 4

    def link_estimate(self) -> int:
        """Return the exact number of links: k^3/4 in each of three layers."""
        return 3 * self.k**3 // 4


def generate(params: Params, context: Context) -> Topology:
    """Return the fat-tree: hosts h1…, edge e1…, aggregation a1…, cores c1…, pod by pod."""
    del context
    k, half = params.k, params.k // 2
    build = Builder()
    pods = np.repeat(np.arange(k), half)
    edge_groups = np.arange(k * half)
    core = build.add_nodes(Kind.SWITCH, "c", half * half, tier="core")
    aggregation = build.add_nodes(Kind.SWITCH, "a", k * half, tier="aggregation", group=edge_groups)
    edge = build.add_nodes(Kind.SWITCH, "e", k * half, tier="edge", group=edge_groups)
    hosts = build.add_nodes(Kind.HOST, "h", k * half * half, group=np.repeat(edge_groups, half))
    build.add_links(np.repeat(edge, half), hosts)
    in_pod = aggregation.reshape(k, half)[pods]  # for each edge switch, the aggregation switches of its pod
    build.add_links(np.repeat(edge, half), in_pod.ravel())
    build.add_links(np.repeat(aggregation, half), np.tile(core.reshape(half, half), (k, 1)).ravel())
    return build.build()
