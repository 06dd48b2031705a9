"""Models of a node's way to the machine: `uplink:` and `interface:`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from topologies.errors import shortened
from topologies.outside import MachineInterface
from topologies.spec.explain import shown
from topologies.spec.node_values import Addresses
from topologies.spec.section import Section

_LONGEST = 15
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


def _device(value: str) -> str:
    """Return the name of an interface that the kernel accepts (dev_valid_name in net/core/dev.c)."""
    bad = (
        not value
        or value in {".", ".."}
        or any(c in "/:" or c.isspace() or not c.isprintable() for c in value)
    )
    if bad or len(value.encode()) > _LONGEST:
        words = "write the name of an interface of the machine, such as eth1"
        raise ValueError(f"`{shortened(value)}` is no name of an interface; {words}")
    if value == "lo":
        raise ValueError("`lo` can't leave the machine; every node has one of its own")
    return value


class InterfaceKeys(Section):
    """An interface of the machine that the node has while the network is up."""

    EXAMPLE: ClassVar[str] = "{name: eth1, ip: 192.0.2.9/24}"

    name: Annotated[str, AfterValidator(_device)] = Field(
        description="The interface on the machine", examples=["eth1"]
    )
    ip: Addresses | None = Field(None, description="Its addresses in the node, e.g. 192.0.2.9/24")
    force: bool | None = Field(
        None, description="Take it although the machine's default route or an SSH session uses it"
    )

    def lent(self) -> MachineInterface:
        """Return it as part of a profile."""
        return MachineInterface(self.name, tuple(self.ip or ()), bool(self.force))


def _interfaces(value: Any) -> Any:
    """Return a list of mappings: `eth1` is short for `[{name: eth1}]`."""
    items = value if isinstance(value, list | tuple) else [value]
    out = []
    for item in items:
        if not isinstance(item, str | dict | InterfaceKeys):
            words = f"write the name of an interface of the machine, or {InterfaceKeys.EXAMPLE}"
            raise ValueError(f"{shown(item)} is no interface; {words}")
        out.append({"name": item} if isinstance(item, str) else item)
    return out


_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "object"},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
    ]
}
Uplink = Annotated[str, AfterValidator(_uplink)]
Interfaces = Annotated[list[InterfaceKeys], BeforeValidator(_interfaces), WithJsonSchema(_SCHEMA)]


class OutsideKeys(Section):
    """Keys of a node with a way to the machine."""

    uplink: Uplink | None = Field(
        None,
        description="Network of the link between a node of `kind: nat` and the machine; default: a free one",
    )
    interface: Interfaces | None = Field(
        None,
        description="Interface of the machine that the node has while the network is up",
        examples=["eth1"],
    )
