"""Tenants' VPCs on an underlay: ports that are light nodes, on compute hosts that are full ones.

topology:
  generator: vpc
  vpcs: 10
  ports: 10000
  hosts: 1000

The underlay is a leaf-spine fabric unless `underlay:` describes another topology, in the same way as
`topology:` does. Ports are named v1s1p1: VPC 1, subnet 1, port 1; full hosts (`members`) v1s1m1.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from topologies.builder import Builder
from topologies.counting import counted
from topologies.errors import ParameterError
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count, full_mesh
from topologies.generators.tenants import TENANTS_POOL, Spread, Tenants, with_tenants
from topologies.spec.address_pools import Network4
from topologies.topology import Kind, Topology
from topologies.vpcs import MOST_VPCS

_SPINES, _PER_LEAF = 2, 40


class Params(GeneratorParams):
    """Keys of `generator: vpc`."""

    generator: Literal["vpc"] = "vpc"
    vpcs: Annotated[int, Field(ge=1, le=MOST_VPCS, description="Number of VPCs")] = 2
    subnets: Annotated[int, Field(ge=1, le=2**16, description="Subnets of each VPC")] = 1
    ports: Annotated[Count, Field(description="Ports of each subnet")] = 8
    hosts: Annotated[Count, Field(description="Compute hosts")] = 4
    spread: Spread = Field(
        "even",
        description="Hosts of ports: `even` deals them in turn, `packed` fills one by one, `random` draws",
    )
    cidr: Network4 = Field(TENANTS_POOL, description="Pool of the VPCs' addresses")
    prefix: Annotated[int, Field(ge=1, le=29)] | None = Field(
        None, description="Prefix length of a subnet; default: the smallest that holds its ports"
    )
    overlap: bool = Field(default=False, description="Give all VPCs the same addresses")
    members: Annotated[int, Field(ge=0, le=65_000)] = Field(
        0, description="Full hosts of each subnet, behind the compute hosts, beside its ports"
    )
    device: bool = Field(default=False, description="Give each port a macvlan of its own; it needs no BPF")
    underlay: Any = Field(
        None,
        description="Topology of the compute hosts; default: a leaf-spine fabric",
        examples=["{generator: fat-tree, k: 4}"],
    )

    @property
    def tenants(self) -> Tenants:
        """The ports to add."""
        return Tenants(
            self.vpcs, self.subnets, self.ports, self.spread, self.overlap, self.cidr, self.prefix,
            device=self.device, members=self.members,
        )  # fmt: skip

    @property
    def leaves(self) -> int:
        """Leaf switches of the underlay unless the file describes another."""
        return max(2, -(-self.hosts // _PER_LEAF))

    def node_estimate(self) -> int:
        """Return the number of nodes, without those of an underlay of the file's own."""
        return self.tenants.nodes + (_SPINES + self.leaves + self.hosts if self.underlay is None else 0)

    def link_estimate(self) -> int:
        """Return the number of links, without those of an underlay of the file's own."""
        return self.tenants.nodes + (self.hosts + _SPINES * self.leaves if self.underlay is None else 0)


def _fabric(params: Params) -> Topology:
    """Return a leaf-spine fabric in which nothing moves when the file gets more compute hosts.

    The first hosts alternate between two leaves, later ones fill one leaf after the other. A leaf's ports to
    spines come before those to hosts.
    """
    build = Builder()
    spines = build.add_nodes(Kind.SWITCH, "spine", _SPINES, tier="spine")
    leaves = build.add_nodes(Kind.SWITCH, "leaf", params.leaves, tier="leaf", group=np.arange(params.leaves))
    number = np.arange(params.hosts)
    group = np.where(number < 2 * _PER_LEAF, number % 2, number // _PER_LEAF)
    hosts = build.add_nodes(Kind.HOST, "h", params.hosts, group=group)
    build.add_links(*full_mesh(leaves[None, :], spines[None, :]))
    build.add_links(leaves[group], hosts)
    return build.build()


def generate(params: Params, context: Context) -> Topology:
    """Return the underlay with the ports of all VPCs on its first `hosts` hosts."""
    path = (*context.loc, "underlay")
    given = context.children.get(path)
    underlay = _fabric(params) if given is None else context.make(given, path)
    if underlay.light.any():
        raise ParameterError(path, "has light hosts itself; give an underlay of full nodes")
    able = underlay.hosts[underlay.degrees[underlay.hosts] == 1]
    if len(able) < params.hosts:
        raise ParameterError(
            (*context.loc, "hosts"),
            f"the underlay has {counted(len(able), 'host')} with one link, "
            f"not {params.hosts:,}; give fewer, or a larger `underlay`",
        )
    hosts = np.asarray(able[: params.hosts])
    return with_tenants(underlay, hosts, params.tenants, context.random, context.loc)
