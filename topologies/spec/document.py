"""The models of a topology file. What these say is also the JSON schema (`emulator schema`)."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from topologies.profiles import Shape
from topologies.units import Duration, Rate, Share, Size

ENGINES = ("netns", "dry-run")
FIDELITIES = ("full", "light", "hollow")


class Section(BaseModel):
    """A mapping of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _network(version: int) -> AfterValidator:
    def check(value: str) -> str:
        try:
            network = ipaddress.ip_network(value)
        except ValueError as error:
            example = "10.0.0.0/8" if version == 4 else "fd00::/48"
            raise ValueError(
                f"`{value}` is not an IPv{version} network ({error}); write for example {example}"
            ) from None
        if network.version != version:
            raise ValueError(f"`{value}` is not an IPv{version} network")
        return str(network)

    return AfterValidator(check)


Network4 = Annotated[str, _network(4)]
Network6 = Annotated[str, _network(6)]


class ShapeKeys(Section):
    """What a direction of a link does to packets; keys as in `tc`."""

    bandwidth: Rate | None = Field(None, description="Rate limit, e.g. 10 Gbit")
    delay: Duration | None = Field(None, description="One-way delay, e.g. 500 us")
    jitter: Duration | None = Field(None, description="Variation of the delay")
    loss: Share | None = Field(None, description="Share of packets lost, e.g. 2 %")
    duplicate: Share | None = Field(None, description="Share of packets sent twice")
    reorder: Share | None = Field(None, description="Share of packets that overtake (needs delay)")
    corrupt: Share | None = Field(None, description="Share of packets with a bit flipped")
    queue: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Queue limit in packets; from bandwidth x delay when not given"
    )

    @model_validator(mode="after")
    def _delay_needed(self) -> ShapeKeys:
        for key in ("jitter", "reorder"):
            if getattr(self, key) and not self.delay:
                raise ValueError(f"`{key}` acts on delayed packets only; give `delay` too")
        return self

    def shape(self) -> Shape:
        """Return the shape these keys give."""
        return Shape(**{key: getattr(self, key) for key in ShapeKeys.model_fields})


class LinkKeys(ShapeKeys):
    """A link's properties: both directions at once, or each on its own."""

    mtu: Annotated[int, Field(ge=68, le=65535)] | None = Field(None, description="Largest packet in bytes")
    forward: ShapeKeys | None = Field(
        None, description="From the first end to the second, over the common keys"
    )
    backward: ShapeKeys | None = Field(None, description="From the second end to the first")


class LinkMatch(Section):
    """Which links: all keys given must match."""

    between: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Kinds, tiers or name globs of the two ends, in either order"
    )


class LinkRule(LinkKeys):
    """An override of the links that match; later rules win."""

    match: LinkMatch = Field(default_factory=LinkMatch)


class NodeKeys(Section):
    """A node's properties."""

    cpu: Annotated[float, Field(gt=0, le=4096)] | None = Field(
        None, description="CPU limit in cores, for `exec`"
    )
    memory: Size | None = Field(None, description="Memory limit, for `exec`, e.g. 64 MiB")
    fidelity: Literal["full", "light", "hollow"] | None = Field(None, description="How real the node is")
    relay: bool | None = Field(None, description="A host that passes frames on between its ports")
    switch: Literal["bridge"] | None = Field(None, description="What a switch is made as")


class NodeMatch(Section):
    """Which nodes: all keys given must match."""

    kind: Literal["host", "switch", "router"] | None = None
    tier: str | None = None
    name: str | None = Field(None, description="A shell pattern: h[1-4], edge*, …")


class NodeRule(NodeKeys):
    """An override of the nodes that match; later rules win."""

    match: NodeMatch = Field(default_factory=NodeMatch)
    kind: Literal["host", "switch", "router"] | None = Field(
        None, description="Make the matching nodes this kind"
    )


class Addressing(Section):
    """Where addresses come from."""

    ipv4: Network4 = Field("10.0.0.0/8", description="Pool of the hosts")
    ipv6: Network6 | None = Field(None, description="Pool of the hosts; without it IPv6 is off")
    links: Network4 = Field("172.16.0.0/12", description="Pool of the links between routers")
    loopbacks: Network4 = Field("100.64.0.0/10", description="Pool of the routers' own addresses")
    static_arp: bool = Field(default=False, description="Fill the neighbour tables instead of asking by ARP")


class EngineOptions(Section):
    """An engine and its options."""

    name: Literal["netns", "dry-run"] = "netns"


class Spec(Section):
    """A topology file. `topology` is checked by the family that it names."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="Name of the network")]
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="Of all that is random")] = 0
    engine: Literal["netns", "dry-run"] | EngineOptions = "netns"
    fidelity: Literal["full", "light", "hollow"] = "full"
    forwarding: Literal["bridged", "routed"] = "bridged"
    addressing: Addressing = Addressing()
    topology: Any
    links: list[LinkRule] = []
    nodes: list[NodeRule] = []

    @property
    def engine_name(self) -> str:
        """The engine's name."""
        return self.engine if isinstance(self.engine, str) else self.engine.name
