"""VL2: a Clos network between aggregation and intermediate switches, racks on two aggregation switches each.

Greenberg et al.: VL2: A Scalable and Flexible Data Center Network, SIGCOMM 2009, section 4.1.
Aggregation switches have DA ports, intermediate switches DI. There are DA/2 intermediate and DI
aggregation switches, each linked to each; DA DI / 4 top-of-rack switches, each linked to two
aggregation switches; 20 servers on each in the paper.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import add_hosts, full_mesh
from topologies.topology import Kind, Topology


def _even(ports: int) -> int:
    if ports % 2:
        raise ValueError(f"must be even, got {ports}; write {ports - 1} or {ports + 1}")
    return ports


Ports = Annotated[int, Field(ge=2, le=10**6), AfterValidator(_even)]


class Params(GeneratorParams):
    """Keys of `generator: vl2`."""

    generator: Literal["vl2"] = "vl2"
    DA: Annotated[Ports, Field(description="Ports of each aggregation switch, even")] = 4
    DI: Annotated[Ports, Field(description="Ports of each intermediate switch, even")] = 4
    hosts_per_tor: Annotated[int, Field(ge=0, le=10**6, description="Hosts on each top-of-rack switch")] = 20

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.DA // 2 + self.DI + self.DA * self.DI // 4 * (1 + self.hosts_per_tor)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.DA * self.DI // 2 + self.DA * self.DI // 4 * (2 + self.hosts_per_tor)


def generate(params: Params, context: Context) -> Topology:
    """Return VL2: intermediate i1…, aggregation a1…, top-of-rack t1…, hosts h1… .

    Aggregation switches serve racks in pairs: each pair has DA/2 racks.
    """
    del context
    half, pairs = params.DA // 2, params.DI // 2
    build = Builder()
    racks = np.arange(pairs * half)
    intermediate = build.add_nodes(Kind.SWITCH, "i", half, tier="intermediate")
    aggregation = build.add_nodes(
        Kind.SWITCH, "a", params.DI, tier="aggregation", group=np.repeat(np.arange(pairs) * half, 2)
    )
    tors = build.add_nodes(Kind.SWITCH, "t", len(racks), tier="tor", group=racks)
    add_hosts(build, tors, params.hosts_per_tor, racks)
    build.add_links(*full_mesh(tors.reshape(pairs, half), aggregation.reshape(pairs, 2)))
    build.add_links(*full_mesh(aggregation[None, :], intermediate[None, :]))
    return build.build()
