"""Model of a topology file; the JSON schema (`emulator schema`) is generated from it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from topologies.errors import shortened
from topologies.names import NETWORK_NAME
from topologies.spec.address_pools import Addressing
from topologies.spec.engine_options import EngineOptions, NameOrOptions
from topologies.spec.openflow import OpenFlowKeys
from topologies.spec.rules import Fidelity, LinkRule, NodeRule, PlacementRule, SwitchKind
from topologies.spec.section import EmptyIfNull, Section
from topologies.spec.vpcs import VpcName, VpcSubnets


def _network_name(value: str) -> str:
    if NETWORK_NAME.fullmatch(value):
        return value
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32].strip("-") or "my-network"
    raise ValueError(
        f"`{shortened(value)}` is not a network name; use a-z, 0-9 and `-`, 32 characters at most, "
        f"for example `{slug}`"
    )


class Spec(Section):
    """Topology file. The family that `topology` names validates it."""

    name: Annotated[str, AfterValidator(_network_name)] = Field(
        description="Name of the network: a-z, 0-9 and -, 32 characters at most",
        examples=["my-network"],
        json_schema_extra={"pattern": f"^{NETWORK_NAME.pattern}$"},
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(0, description="Seed of everything random")
    engine: Annotated[EngineOptions, NameOrOptions()] = Field(
        EngineOptions(),
        description="Engine that runs the network: a name, or a mapping of `name` and options",
    )
    fidelity: Fidelity = Field("full", description="How real the nodes are; rules for nodes override it")
    forwarding: Literal["bridged", "routed"] = Field(
        "bridged", description="By MAC address over a spanning tree, or by IP address over all links"
    )
    switch: SwitchKind = Field("bridge", description="What switches are; rules for nodes override it")
    openflow: Annotated[OpenFlowKeys, EmptyIfNull(dict)] = Field(
        OpenFlowKeys(),
        description="Settings of switches made as ovs; rules for nodes override it",
        examples=[OpenFlowKeys.EXAMPLE],
    )
    addressing: Annotated[Addressing, EmptyIfNull(dict)] = Field(Addressing(), description="Address pools")
    vpcs: Annotated[dict[VpcName, VpcSubnets], EmptyIfNull(dict)] = Field(
        {}, description="Subnets of each VPC of light hosts", examples=["{blue: 10.1.0.0/16}"]
    )
    topology: Any = Field(
        description="A generator, a file, or nodes and links",
        examples=["{generator: tree, depth: 2, fanout: 4}"],
    )
    links: Annotated[list[LinkRule], EmptyIfNull(list)] = Field(
        [], description="Rules; later ones override earlier ones", examples=[f"[{LinkRule.EXAMPLE}]"]
    )
    nodes: Annotated[list[NodeRule], EmptyIfNull(list)] = Field(
        [], description="Rules; later ones override earlier ones", examples=[f"[{NodeRule.EXAMPLE}]"]
    )
    placement: Annotated[list[PlacementRule], EmptyIfNull(list)] = Field(
        [],
        description="Nodes that go on certain workers, with engines on workers; the others are placed",
        examples=[f"[{PlacementRule.EXAMPLE}]"],
    )

    @property
    def engine_name(self) -> str:
        """Name of the engine."""
        return self.engine.name
