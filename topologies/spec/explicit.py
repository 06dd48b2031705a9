"""Models of explicit nodes and links: `topology: {nodes: …, links: …}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from topologies.errors import Loc, shortened
from topologies.names import NODE_NAME
from topologies.profiles import LinkProfile
from topologies.spec.bare_numbers import bare_numbers
from topologies.spec.chunked import Chunked
from topologies.spec.located_errors import checked, located_error
from topologies.spec.merge import merged_link, undelayed
from topologies.spec.node_values import (
    Addresses,
    Dpid,
    InterfaceAddress,
    InterfaceName,
    Mac,
    NodeName,
    PortName,
    PortNumber,
)
from topologies.spec.rules import LinkKeys, NodeKeys, NodeKind
from topologies.spec.section import EmptyIfNull
from topologies.suggestions import nearest

_LINK_FORM = "write [node, node] or [node, node, {bandwidth: 1 Gbit}]"


def _end(value: Any) -> Any:
    """Return the name of a link's end; a whole number is a name too."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, bool | float | None):
        word = "nothing" if value is None else repr(value).lower()
        raise ValueError(f"`{word}` is not text in YAML; put the node's name in quotes")
    raise ValueError(f"must be a node's name; {_LINK_FORM}")


class NodeEntry(NodeKeys):
    """Node of `nodes:`."""

    EXAMPLE: ClassVar[str] = "{kind: host}"

    kind: NodeKind = Field("host", description="Kind of node")
    tier: Annotated[str, Field(max_length=63)] | None = Field(None, description="Tier, for rules to match")
    ip: InterfaceAddress | None = Field(None, description="Address of the first port, e.g. 10.0.0.1/24")
    addresses: dict[PortName, Addresses] | None = Field(
        None, description="Addresses of further ports, or more of one", examples=["{eth1: 10.0.0.9/24}"]
    )
    dpid: Dpid | None = Field(None, description="OpenFlow datapath id of a switch", examples=["3"])
    mac: Mac | None = Field(None, description="MAC of the first port, e.g. 02:00:00:00:00:01")


class LinkOptions(LinkKeys):
    """Third item of a link: its properties."""

    ports: Annotated[list[PortNumber | None], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Port numbers at the first and the second end", examples=["[0, 5]"]
    )
    interfaces: Annotated[list[InterfaceName | None], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Names of the interfaces at both ends", examples=["[wan0, null]"]
    )

    @model_validator(mode="wrap")
    @classmethod
    def _units(cls, data: Any, handler: ModelWrapValidatorHandler[LinkOptions]) -> LinkOptions:
        return checked(data, handler, list(bare_numbers(data)))

    @model_validator(mode="after")
    def _delay_needed(self) -> LinkOptions:
        if self.model_fields_set and self.set_keys & {"jitter", "reorder"}:
            profile = merged_link(self, LinkProfile(), reverse=False)
            missing = undelayed(self, profile)
            if missing:
                raise located_error(missing)
        return self

    @property
    def set_keys(self) -> set[str]:
        """Keys that are set for either direction."""
        below = (part.model_fields_set for part in (self.forward, self.backward) if part)
        return self.model_fields_set.union(*below)


_PLAIN = LinkOptions()


class _LinkForm:
    """Annotation of a link: a list of two ends, and its properties if it has any."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as the full triple."""
        return handler(source)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it: the properties may be left out, an end may be a whole number."""
        made = handler(schema)
        end = {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "A node's name"}
        options = {"anyOf": [made["prefixItems"][2], {"type": "null"}]}
        return {"type": "array", "prefixItems": [end, end, options], "minItems": 2, "maxItems": 3}


def _triple(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"must be a list; {_LINK_FORM}")
    if len(value) == 2:
        return (value[0], value[1], _PLAIN)
    if len(value) == 3:
        return (value[0], value[1], _PLAIN if value[2] is None else value[2])
    raise ValueError(f"has {len(value)} item{'' if len(value) == 1 else 's'}; {_LINK_FORM}")


End = Annotated[str, BeforeValidator(_end)]
Link = Annotated[tuple[End, End, LinkOptions], BeforeValidator(_triple), _LinkForm()]
Nodes = Annotated[
    dict[NodeName, NodeEntry | None],
    Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": NODE_NAME.pattern}}),
    Chunked(),
]
Links = Annotated[list[Link], Chunked(), EmptyIfNull(list)]


def explicit_problems(data: Any) -> Iterator[tuple[Loc, str]]:
    """Yield the errors between the parts of an explicit `topology:`, whatever errors its parts have.

    Links to unknown nodes, links from a node to itself, duplicate addresses and MACs.
    """
    nodes = data.get("nodes") if isinstance(data, dict) else None
    links = data.get("links") if isinstance(data, dict) else None
    if isinstance(nodes, dict):
        yield from _used_twice(nodes)
        if isinstance(links, list):
            yield from _bad_ends(nodes, links)


def _used_twice(nodes: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    for key in ("ip", "mac"):
        owners: dict[tuple[str, str], str] = {}  # VPCs may use equal addresses
        for name, entry in nodes.items():
            for loc, value in _values(entry, key):
                address = value.partition("/")[0].lower()
                owner = owners.setdefault((str(entry.get("vpc", "")), address), name)
                if owner != name:
                    words = f"{shortened(address)} is already used by `{shortened(owner)}`; use another"
                    yield ("nodes", name, *loc), words


def _values(entry: Any, key: str) -> Iterator[tuple[Loc, str]]:
    """Yield the texts under `key` of a node, with `ip` those under `addresses` too, each with its place."""
    if not isinstance(entry, dict):
        return
    if isinstance(value := entry.get(key), str):
        yield (key,), value
    more = entry.get("addresses") if key == "ip" else None
    for port, texts in more.items() if isinstance(more, dict) else ():
        if isinstance(texts, str):
            yield ("addresses", port), texts
        elif isinstance(texts, list):
            yield from (
                (("addresses", port, at), text) for at, text in enumerate(texts) if isinstance(text, str)
            )


def _bad_ends(nodes: dict[str, Any], links: list[Any]) -> Iterator[tuple[Loc, str]]:
    for at, link in enumerate(links):
        if not isinstance(link, list) or len(link) not in (2, 3):
            continue
        ends = [str(end) for end in link[:2] if isinstance(end, str | int) and not isinstance(end, bool)]
        unknown = [(i, end) for i, end in enumerate(ends) if end not in nodes]
        if len(ends) != 2:
            continue
        for i, end in unknown:
            yield ("links", at, i), f"there is no node `{shortened(end)}`; {nearest(end, nodes)}"
        if ends[0] == ends[1] and not unknown:
            yield ("links", at), f"`{shortened(ends[0])}` can't be linked to itself; name two nodes"
