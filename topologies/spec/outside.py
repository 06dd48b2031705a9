"""Models of a node's ways to the machine: `uplink:` and `machine_interfaces:`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from topologies.errors import shortened
from topologies.outside import MachineInterface
from topologies.spec.node_values import Addresses, InterfaceName
from topologies.spec.section import OtherForms, Section

_SMALLEST = 30
_ADVICE = "write a network of four addresses or more, such as 198.18.0.0/30"


def _uplink(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(f"`{shortened(value)}` is no IPv4 network; {_ADVICE}") from None
    if not 1 <= network.prefixlen <= _SMALLEST:
        raise ValueError(f"`{value}` has no room for two addresses, or is everything; {_ADVICE}")
    if network.is_multicast or network.is_loopback:
        raise ValueError(f"`{value}` can't be a link's network; {_ADVICE}")
    return value


Uplink = Annotated[str, AfterValidator(_uplink)]


class MachineInterfaceKeys(Section):
    """Interface of the machine, given to a node until the network is down."""

    EXAMPLE: ClassVar[str] = "{name: eth1, addresses: 192.0.2.7/24}"

    name: InterfaceName = Field(description="Name on the machine, and in the node", examples=["eth1"])
    addresses: Addresses | None = Field(None, description="Addresses with prefix lengths, in the node")


class _NameAlone(OtherForms):
    """Annotation of an interface: `eth1` is short for `{name: eth1}`."""

    def _own_form(self, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    def _schemas(self) -> list[JsonSchemaValue]:
        return [{"type": "string"}]


class _OneInterface(OtherForms):
    """Annotation of a list of interfaces: a single one needs no list."""

    def _own_form(self, value: Any) -> Any:
        return [value] if isinstance(value, str | dict) else value

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow what may be in the list beside it."""
        made = handler(schema)
        return {"anyOf": [made["items"], made]}


MachineInterfaces = Annotated[list[Annotated[MachineInterfaceKeys, _NameAlone()]], _OneInterface()]


class OutsideKeys(Section):
    """Keys of a node with a way to the machine."""

    uplink: Uplink | None = Field(
        None,
        description="Network of the link between a node of `kind: nat` or `outside` and the machine; "
        "default: a free one",
        examples=["198.18.0.0/30"],
    )
    machine_interfaces: MachineInterfaces | None = Field(
        None,
        description="Interfaces of the machine that the node has until the network is down: names, or keys",
        examples=["[eth1]", "[{name: eth1, addresses: 192.0.2.7/24}]"],
    )


def interfaces_of(keys: list[MachineInterfaceKeys]) -> tuple[MachineInterface, ...]:
    """Return the interfaces of `machine_interfaces:`; the last entry of a name counts."""
    found = {one.name: MachineInterface(one.name, tuple(dict.fromkeys(one.addresses or ()))) for one in keys}
    return tuple(found.values())
