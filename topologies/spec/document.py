"""The models of a topology file. What these say is also the JSON schema (`emulator schema`)."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from topologies.errors import shortened
from topologies.profiles import Shape
from topologies.spec.openflow import OpenFlowKeys
from topologies.spec.section import EmptyIfNull, Section
from topologies.units import Duration, Rate, Share, Size

ENGINES = ("netns", "mininet", "dry-run")
_SOME_ENGINE = f"{', '.join(ENGINES[:-1])} or {ENGINES[-1]}"
FUTURE_ENGINES = ("cluster", "distrinet", "maxinet")
NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)

_SPECIAL = {
    4: {
        "127.0.0.0/8": "loopback", "224.0.0.0/4": "multicast", "240.0.0.0/4": "reserved",
        "0.0.0.0/8": "reserved",
    },
    6: {"::/127": "loopback", "fe80::/10": "link-local", "ff00::/8": "multicast"},
}  # fmt: skip
"""IP version -> prefix -> what it is for (RFC 6890, RFC 4291): not for nodes."""


def _network(version: int) -> AfterValidator:
    example = "10.0.0.0/8" if version == 4 else "fd00::/48"

    def check(value: str) -> str:
        shown = shortened(value)
        try:
            interface = ipaddress.ip_interface(value)
        except ValueError:
            raise ValueError(
                f"`{shown}` is not an IPv{version} network; write for example {example}"
            ) from None
        if interface.version != version:
            raise ValueError(
                f"`{shown}` is IPv{interface.version}, not IPv{version}; write for example {example}"
            )
        network = interface.network
        if interface.ip != network.network_address:
            raise ValueError(f"`{shown}` is an address inside a network; did you mean `{network}`?")
        for special, words in _SPECIAL[version].items():
            if ipaddress.ip_network(special).overlaps(network):
                raise ValueError(
                    f"`{shown}` holds {words} addresses, which no node can have; write for example {example}"
                )
        return str(network)

    return AfterValidator(check)


def _network_name(value: str) -> str:
    if NETWORK_NAME.fullmatch(value):
        return value
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32].strip("-") or "my-network"
    raise ValueError(
        f"`{shortened(value)}` is not a network name; use a-z, 0-9 and `-`, 32 characters at most, "
        f"for example `{slug}`"
    )


def _engine_name(value: Any) -> Any:
    if value in FUTURE_ENGINES:
        raise ValueError(f"`{value}` is not available in this version; use {_SOME_ENGINE}")
    return value


class _NameOrMapping:
    """Mark the engine's field: `engine: netns` is short for `engine: {name: netns}`."""

    def _mapping(self, value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict | EngineOptions):
            return value
        raise ValueError(f"must be an engine's name; write {_SOME_ENGINE}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate the mapping form."""
        return core_schema.no_info_before_validator_function(self._mapping, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow a name, the mapping, or nothing."""
        return {"anyOf": [{"enum": list(ENGINES)}, handler(schema), {"type": "null"}]}


Network4 = Annotated[str, _network(4)]
Network6 = Annotated[str, _network(6)]
NodeKind = Literal["host", "switch", "router"]
Fidelity = Literal["full", "light", "hollow"]
SwitchKind = Literal["bridge", "ovs", "user"]


class ShapeKeys(Section):
    """What a direction of a link does to packets; keys as in `tc`."""

    EXAMPLE: ClassVar[str] = "{bandwidth: 1 Gbit, delay: 200 us}"

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

    EXAMPLE: ClassVar[str] = "{between: [host, edge]}"

    between: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Kinds, tiers or name globs of the two ends, in either order",
        examples=["[host, edge]"],
    )


class LinkRule(LinkKeys):
    """An override of the links that match; later rules win."""

    EXAMPLE: ClassVar[str] = "{match: {between: [host, edge]}, bandwidth: 1 Gbit}"

    match: Annotated[LinkMatch, EmptyIfNull(dict)] = Field(
        LinkMatch(), description="Every link when not given"
    )


class NodeKeys(Section):
    """A node's properties."""

    cpu: Annotated[float, Field(gt=0, le=4096)] | None = Field(
        None, description="CPU limit in cores, for `exec`"
    )
    memory: Size | None = Field(None, description="Memory limit, for `exec`, e.g. 64 MiB")
    fidelity: Fidelity | None = Field(None, description="How real the node is")
    relay: bool | None = Field(None, description="A host that passes frames on between its ports")
    switch: SwitchKind | None = Field(None, description="What a switch is made as")
    openflow: OpenFlowKeys | None = Field(
        None, description="How a switch made as ovs behaves", examples=[OpenFlowKeys.EXAMPLE]
    )


class NodeMatch(Section):
    """Which nodes: all keys given must match."""

    EXAMPLE: ClassVar[str] = "{kind: host}"

    kind: NodeKind | None = None
    tier: str | None = None
    name: str | None = Field(None, description="A shell pattern: h[1-4], edge*, …")


class NodeRule(NodeKeys):
    """An override of the nodes that match; later rules win."""

    EXAMPLE: ClassVar[str] = "{match: {kind: host}, memory: 64 MiB}"

    match: Annotated[NodeMatch, EmptyIfNull(dict)] = Field(
        NodeMatch(), description="Every node when not given"
    )
    kind: NodeKind | None = Field(None, description="Make the matching nodes this kind")


class Addressing(Section):
    """Where addresses come from."""

    EXAMPLE: ClassVar[str] = "{ipv4: 10.0.0.0/8}"

    ipv4: Network4 = Field("10.0.0.0/8", description="Pool of the hosts")
    ipv6: Network6 | None = Field(None, description="Pool of the hosts; without it IPv6 is off")
    links: Network4 = Field("172.16.0.0/12", description="Pool of the links between routers")
    loopbacks: Network4 = Field("100.64.0.0/10", description="Pool of the routers' own addresses")
    static_arp: bool = Field(default=False, description="Fill the neighbour tables instead of asking by ARP")


class EngineOptions(Section):
    """An engine and its options."""

    name: Annotated[Literal["netns", "mininet", "dry-run"], BeforeValidator(_engine_name)] = Field(
        "netns",
        description="netns: Linux network namespaces on this machine; mininet: the real Mininet; "
        "dry-run: in memory",
    )


class Spec(Section):
    """A topology file. `topology` is checked by the family that it names."""

    name: Annotated[str, AfterValidator(_network_name)] = Field(
        description="Name of the network: a-z, 0-9 and -, 32 characters at most",
        examples=["my-network"],
        json_schema_extra={"pattern": f"^{NETWORK_NAME.pattern}$"},
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(0, description="Of all that is random")
    engine: Annotated[EngineOptions, _NameOrMapping()] = Field(
        EngineOptions(), description="What runs the network: a name, or a mapping of `name` and options"
    )
    fidelity: Fidelity = Field("full", description="How real the nodes are, where no rule says otherwise")
    forwarding: Literal["bridged", "routed"] = Field(
        "bridged", description="By MAC address over a spanning tree, or by IP address over all links"
    )
    switch: SwitchKind = Field(
        "bridge", description="What switches are made as, where no rule says otherwise"
    )
    openflow: Annotated[OpenFlowKeys, EmptyIfNull(dict)] = Field(
        OpenFlowKeys(),
        description="How switches made as ovs behave, where no rule says otherwise",
        examples=[OpenFlowKeys.EXAMPLE],
    )
    addressing: Annotated[Addressing, EmptyIfNull(dict)] = Field(Addressing(), description="Address pools")
    topology: Any = Field(
        description="A generator, a file, or nodes and links",
        examples=["{generator: tree, depth: 2, fanout: 4}"],
    )
    links: Annotated[list[LinkRule], EmptyIfNull(list)] = Field(
        [], description="Overrides, later ones win", examples=[f"[{LinkRule.EXAMPLE}]"]
    )
    nodes: Annotated[list[NodeRule], EmptyIfNull(list)] = Field(
        [], description="Overrides, later ones win", examples=[f"[{NodeRule.EXAMPLE}]"]
    )

    @property
    def engine_name(self) -> str:
        """The engine's name."""
        return self.engine.name
