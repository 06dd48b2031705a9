"""A cloud region: zones of pods of racks of hosts, up to a million nodes and more.

Each rack has one top-of-rack switch; `fabrics` fabric switches serve each pod (every rack of the
pod connects to each); `spines` spine switches serve each zone (every fabric switch connects to
each); `cores` region switches join the zones (every spine connects to each). With `ports_per_host`, each
host is a compute host with so many light ports of VPCs. The shape is that
of the published data-centre fabrics (Andreyev: Introducing data center fabric, Facebook
engineering, 2014; Singh et al.: Jupiter Rising, SIGCOMM 2015).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.errors import ParameterError
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import full_mesh
from topologies.generators.tenants import TENANTS_POOL, Spread, Tenants, with_tenants
from topologies.names import NameBlock
from topologies.spec.address_pools import Network4
from topologies.topology import Kind, Topology
from topologies.vpcs import MOST_VPCS

Extent = Annotated[int, Field(ge=1, le=1_000_000)]
_OF_PORTS = frozenset({"vpcs", "members", "spread", "cidr", "overlap"})
"""Keys that mean something with `ports_per_host` only."""


class Params(GeneratorParams):
    """Keys of `generator: region`."""

    generator: Literal["region"] = "region"
    zones: Annotated[Extent, Field(description="Availability zones")] = 3
    pods: Annotated[Extent, Field(description="Pods in each zone")] = 4
    racks: Annotated[Extent, Field(description="Racks in each pod")] = 8
    hosts: Annotated[Extent, Field(description="Hosts in each rack")] = 16
    fabrics: Annotated[Extent, Field(description="Fabric switches in each pod")] = 2
    spines: Annotated[Extent, Field(description="Spine switches in each zone")] = 2
    cores: Annotated[Extent, Field(description="Region switches that join the zones")] = 2
    ports_per_host: Annotated[int, Field(ge=0, le=65_000, description="Light ports on each host")] = 0
    vpcs: Annotated[int, Field(ge=1, le=MOST_VPCS, description="VPCs that share the ports equally")] = 1
    members: Annotated[int, Field(ge=0, le=65_000)] = Field(
        0, description="Full hosts of each VPC, behind compute hosts"
    )
    spread: Spread = Field("even", description="Host of a port: `even`, `packed` or `random`")
    cidr: Network4 = Field(TENANTS_POOL, description="Pool of the VPCs' addresses")
    overlap: bool = Field(default=False, description="Give all VPCs the same addresses")

    @property
    def ports(self) -> int:
        """Number of light ports."""
        return self.zones * self.pods * self.racks * self.hosts * self.ports_per_host

    @property
    def tenants(self) -> Tenants:
        """The ports and members to add."""
        each = self.ports // self.vpcs
        return Tenants(
            self.vpcs, 1, each, self.spread, self.overlap, self.cidr, equally=True, members=self.members
        )

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        in_pod = self.racks * (1 + self.hosts) + self.fabrics
        return self.zones * (self.pods * in_pod + self.spines) + self.cores + self._of_tenants

    @property
    def _of_tenants(self) -> int:
        return self.ports + self.vpcs * self.members if self.ports else 0

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        in_pod = self.racks * (self.hosts + self.fabrics) + self.fabrics * self.spines
        return self.zones * (self.pods * in_pod + self.spines * self.cores) + self._of_tenants


def generate(params: Params, context: Context) -> Topology:
    """Return the region: hosts z1p1r1h1…, racks z1p1r1…, fabrics z1p1f1…, spines z1s1…, cores c1… .

    Its light ports are v1s1p1…, as those of the family `vpc`.
    """
    z, p, r, h = params.zones, params.pods, params.racks, params.hosts
    build = Builder()
    racks = np.arange(z * p * r)
    core = build.add_nodes(Kind.SWITCH, "c", params.cores, tier="core")
    spine = build.add_nodes(
        Kind.SWITCH, NameBlock(("z", "s"), (z, params.spines)), tier="spine",
        group=np.repeat(np.arange(z) * p * r, params.spines),
    )  # fmt: skip
    fabric = build.add_nodes(
        Kind.SWITCH, NameBlock(("z", "p", "f"), (z, p, params.fabrics)), tier="fabric",
        group=np.repeat(np.arange(z * p) * r, params.fabrics),
    )  # fmt: skip
    tor = build.add_nodes(Kind.SWITCH, NameBlock(("z", "p", "r"), (z, p, r)), tier="edge", group=racks)
    hosts = build.add_nodes(
        Kind.HOST, NameBlock(("z", "p", "r", "h"), (z, p, r, h)), group=np.repeat(racks, h)
    )
    build.add_links(np.repeat(tor, h), hosts)
    build.add_links(*full_mesh(tor.reshape(z * p, r), fabric.reshape(z * p, -1)))
    build.add_links(*full_mesh(fabric.reshape(z, -1), spine.reshape(z, -1)))
    build.add_links(*full_mesh(spine.reshape(1, -1), core.reshape(1, -1)))
    made = build.build()
    if not params.ports:
        for key in sorted(params.model_fields_set & _OF_PORTS):
            words = "is about light ports, and there are none; write `ports_per_host` too, or leave it out"
            raise ParameterError((*context.loc, key), words)
        return made
    if params.ports % params.vpcs:
        fitting = next(count for count in range(params.vpcs, 0, -1) if params.ports % count == 0)
        words = f"{params.ports:,} ports can't be shared equally by {params.vpcs:,} VPCs; {fitting:,} can"
        raise ParameterError((*context.loc, "vpcs"), words)
    return with_tenants(made, hosts, params.tenants, context.random, context.loc)
