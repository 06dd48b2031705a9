"""Models of the properties of links and nodes, and of the rules that set them by match."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from topologies.profiles import Shape
from topologies.spec.bare_numbers import bare_numbers
from topologies.spec.engine_options import Machine
from topologies.spec.located_errors import checked
from topologies.spec.openflow import OpenFlowKeys
from topologies.spec.outside import OutsideKeys
from topologies.spec.quantity_types import Duration, Rate, Share, Size
from topologies.spec.section import EmptyIfNull, Section
from topologies.spec.services import SetupKeys

NodeKind = Literal["host", "switch", "router", "nat", "outside"]
Fidelity = Literal["full", "light", "hollow"]
SwitchKind = Literal["bridge", "ovs", "user"]


class ShapeKeys(Section):
    """Traffic shaping of one direction of a link; keys as in `tc`."""

    EXAMPLE: ClassVar[str] = "{bandwidth: 1 Gbit, delay: 200 us}"

    bandwidth: Rate | None = Field(None, description="Rate limit, e.g. 10 Gbit")
    delay: Duration | None = Field(None, description="One-way delay, e.g. 500 us")
    jitter: Duration | None = Field(None, description="Variation of the delay")
    loss: Share | None = Field(None, description="Share of packets lost, e.g. 2 %")
    duplicate: Share | None = Field(None, description="Share of packets sent twice")
    reorder: Share | None = Field(None, description="Share of packets that overtake others (needs delay)")
    corrupt: Share | None = Field(None, description="Share of packets with a flipped bit")
    queue: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Queue limit in packets; default: from bandwidth x delay"
    )

    def shape(self) -> Shape:
        """Return the shape of these keys."""
        return Shape(**{key: getattr(self, key) for key in ShapeKeys.model_fields})


class LinkKeys(ShapeKeys):
    """Properties of a link, for both directions at once or for each."""

    mtu: Annotated[int, Field(ge=68, le=65535)] | None = Field(None, description="Largest packet in bytes")
    forward: ShapeKeys | None = Field(
        None, description="From the first end to the second; overrides the common keys"
    )
    backward: ShapeKeys | None = Field(
        None, description="From the second end to the first; overrides the common keys"
    )


class LinkMatch(Section):
    """Selection of links: all keys present must match."""

    EXAMPLE: ClassVar[str] = "{between: [host, edge]}"

    between: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Kinds, tiers or name globs of the two ends, in either order",
        examples=["[host, edge]"],
    )


class LinkRule(LinkKeys):
    """Override of the links that match; later rules win."""

    @model_validator(mode="wrap")
    @classmethod
    def _units(cls, data: Any, handler: ModelWrapValidatorHandler[LinkRule]) -> LinkRule:
        return checked(data, handler, list(bare_numbers(data)))

    EXAMPLE: ClassVar[str] = "{match: {between: [host, edge]}, bandwidth: 1 Gbit}"

    match: Annotated[LinkMatch, EmptyIfNull(dict)] = Field(LinkMatch(), description="Links; default: all")


class NodeKeys(SetupKeys, OutsideKeys):
    """Properties of a node."""

    cpu: Annotated[float, Field(gt=0, le=4096)] | None = Field(
        None, description="CPU limit in cores, for commands in the node"
    )
    memory: Size | None = Field(None, description="Memory limit, for commands in the node, e.g. 64 MiB")
    fidelity: Fidelity | None = Field(None, description="How real the node is")
    vpc: str | None = Field(
        None,
        description="VPC, of those under `vpcs`: of a light host, or a full one linked to a compute host",
    )
    device: bool | None = Field(None, description="A light host that has a macvlan, and needs no BPF")
    relay: bool | None = Field(None, description="A host that forwards frames between its ports")
    switch: SwitchKind | None = Field(None, description="What the switch is")
    openflow: OpenFlowKeys | None = Field(
        None, description="Settings of a switch made as ovs", examples=[OpenFlowKeys.EXAMPLE]
    )


class NodeMatch(Section):
    """Selection of nodes: all keys present must match."""

    EXAMPLE: ClassVar[str] = "{kind: host}"

    kind: NodeKind | None = None
    tier: str | None = None
    name: str | None = Field(None, description="A shell pattern: h[1-4], edge*, …")


class NodeRule(NodeKeys):
    """Override of the nodes that match; later rules win."""

    EXAMPLE: ClassVar[str] = "{match: {kind: host}, memory: 64 MiB}"

    match: Annotated[NodeMatch, EmptyIfNull(dict)] = Field(NodeMatch(), description="Nodes; default: all")
    kind: NodeKind | None = Field(None, description="Turn the matching nodes into this kind")


class PlacementRule(Section):
    """Nodes that go on one worker of a cluster; later rules win."""

    EXAMPLE: ClassVar[str] = "{match: {name: 'east.*'}, worker: w1}"

    match: NodeMatch = Field(description="Nodes", examples=["{name: 'east.*'}"])
    worker: Machine = Field(description="Name of the worker", examples=["w1"])
