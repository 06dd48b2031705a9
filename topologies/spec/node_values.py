"""Values of explicit nodes and links: addresses, MACs, names, port numbers, datapath ids."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from topologies.addressing import parse_interface
from topologies.errors import shortened
from topologies.names import NODE_NAME
from topologies.spec.routes import port_of

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", re.ASCII)
_DPID = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9a-fA-F]{16}", re.ASCII)
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", re.ASCII)
_TAKEN = frozenset({"lo", "all", "default"})


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


def _port_name(value: str) -> str:
    port_of(value)
    return value


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


InterfaceAddress = Annotated[str, AfterValidator(_interface)]
Mac = Annotated[str, AfterValidator(_mac)]
NodeName = Annotated[str, AfterValidator(_name)]
PortName = Annotated[str, AfterValidator(_port_name)]
Addresses = Annotated[
    list[InterfaceAddress],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
_HEX_TOO = WithJsonSchema(
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^({_DPID.pattern})$"}]}
)
Dpid = Annotated[int, BeforeValidator(_dpid), Field(ge=1, lt=2**64), _HEX_TOO]
PortNumber = Annotated[int, Field(ge=0, le=0xFFFE)]
InterfaceName = Annotated[str, AfterValidator(_interface_name)]
