"""Models of explicit nodes and links: `topology: {nodes: …, links: …}`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from topologies.addressing import parse_interface
from topologies.errors import Loc, shortened
from topologies.names import NODE_NAME
from topologies.profiles import LinkProfile
from topologies.spec.bare_numbers import bare_numbers
from topologies.spec.chunked import Chunked
from topologies.spec.located_errors import checked, located_error
from topologies.spec.merge import merged_link, undelayed
from topologies.spec.routes import port_of
from topologies.spec.rules import LinkKeys, NodeKeys, NodeKind
from topologies.spec.section import EmptyIfNull
from topologies.suggestions import nearest

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", re.ASCII)
_DPID = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9a-fA-F]{16}", re.ASCII)
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", re.ASCII)
_TAKEN = frozenset({"lo", "all", "default"})
_LINK_FORM = "write [node, node] or [node, node, {bandwidth: 1 Gbit}]"


def _interface(value: str) -> str:
    try:
        found = parse_interface(value)
    except ValueError:
        raise ValueError(f"`{shortened(value)}` is not an address; write for example 10.0.0.1/24") from None
    address = (ipaddress.IPv4Address if found.version == 4 else ipaddress.IPv6Address)(found.value)
    length = found.bits if found.length is None else found.length
    within = found.value & ((1 << (found.bits - length)) - 1)
    if length < found.bits - 1 and within == 0:
        raise ValueError(f"`{value}` is the address of the network itself; use {address + 1} or above")
    if found.version == 4 and length < found.bits - 1 and within == (1 << (found.bits - length)) - 1:
        raise ValueError(f"`{value}` is the broadcast address; use {address - 1} or below")
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        raise ValueError(f"`{value}` can't be a node's address; write for example 10.0.0.1/24")
    return value


def _mac(value: str) -> str:
    if not _MAC.fullmatch(value):
        raise ValueError(f"`{shortened(value)}` is not a MAC address; write for example 02:00:00:00:00:01")
    if int(value[:2], 16) & 1:
        raise ValueError(f"`{value}` is a multicast address; the first byte of a node's MAC must be even")
    if not int(value.replace(":", ""), 16):
        raise ValueError(f"`{value}` is not a node's address; write for example 02:00:00:00:00:01")
    return value.lower()


def _name(value: str) -> str:
    if NODE_NAME.fullmatch(value):
        return value
    if len(value) > 63:
        raise ValueError(f"is {len(value)} characters long; a node's name has 63 at most")
    raise ValueError(
        "is not a node name; use A-Z, a-z, 0-9, `_`, `.` and `-`, with a letter or a digit first"
    )


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


def _port_name(value: str) -> str:
    port_of(value)
    return value


Addresses = Annotated[
    list[Annotated[str, AfterValidator(_interface)]],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


_HEX_TOO = WithJsonSchema(
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^({_DPID.pattern})$"}]}
)


class NodeEntry(NodeKeys):
    """Node of `nodes:`."""

    EXAMPLE: ClassVar[str] = "{kind: host}"

    kind: NodeKind = Field("host", description="Kind of node")
    tier: Annotated[str, Field(max_length=63)] | None = Field(None, description="Tier, for rules to match")
    ip: Annotated[str, AfterValidator(_interface)] | None = Field(
        None, description="Address of the first port, e.g. 10.0.0.1/24"
    )
    addresses: dict[Annotated[str, AfterValidator(_port_name)], Addresses] | None = Field(
        None, description="Addresses of further ports, or more of one", examples=["{eth1: 10.0.0.9/24}"]
    )
    dpid: Annotated[int, BeforeValidator(_dpid), Field(ge=1, lt=2**64), _HEX_TOO] | None = Field(
        None, description="OpenFlow datapath id of a switch", examples=["3"]
    )
    mac: Annotated[str, AfterValidator(_mac)] | None = Field(
        None, description="MAC of the first port, e.g. 02:00:00:00:00:01"
    )


def _dpid(value: Any) -> Any:
    """Return a datapath id as a number; text is hexadecimal: 0x… or 16 digits, as Open vSwitch has it."""
    if isinstance(value, str) and _DPID.fullmatch(value):
        return int(value, 16)
    if isinstance(value, str):
        raise ValueError(f"`{shortened(value)}` is no datapath id; write a number such as 3, or 0x3")
    return value


def _interface_name(value: str) -> str:
    if not _INTERFACE.fullmatch(value) or value in _TAKEN:
        words = "use up to 15 of A-Z, a-z, 0-9, `_`, `.` and `-`, with a letter first"
        raise ValueError(f"`{shortened(value)}` is no name of an interface; {words}")
    return value


PortNumber = Annotated[int, Field(ge=0, le=0xFFFE)]
InterfaceName = Annotated[str, AfterValidator(_interface_name)]


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


NodeName = Annotated[str, AfterValidator(_name)]
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
