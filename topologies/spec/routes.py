"""Models of a node's `gateway:`, `routes:` and `addresses:`."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from topologies.errors import shortened
from topologies.spec.explain import shown

_PORT = re.compile(r"eth(0|[1-9][0-9]{0,4})", re.ASCII)
_OWN_NAME = re.compile(rf".+-({_PORT.pattern})", re.ASCII)
"""The name that an interface has in its node, as `ip` shows it."""


def _host(value: Any) -> str:
    """Return an address without a prefix length."""
    try:
        address = ipaddress.ip_address(value if isinstance(value, str) and "%" not in value else "")
    except ValueError:
        words = f"{shown(value)} is no address of a gateway; write for example 10.0.0.254"
        raise ValueError(words) from None
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        raise ValueError(f"`{value}` can't be a gateway; write for example 10.0.0.254")
    return str(address)


def _gateways(value: Any) -> Any:
    """Return the gateways: one, or one for each IP version; an empty list takes earlier ones away."""
    texts = tuple(_host(text) for text in (value if isinstance(value, list | tuple) else [value]))
    if len({ipaddress.ip_address(text).version for text in texts}) < len(texts):
        raise ValueError("has two gateways of one IP version; give one, and write the others under `routes`")
    return texts


def _destination(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        with_host = value.partition("/")[0]
        try:
            near = ipaddress.ip_network(value, strict=False)
        except ValueError:
            words = f"`{shortened(value)}` is no destination; write for example 192.168.0.0/16"
            if value == "default":
                words = "the default route is `gateway`, not one of `routes`"
            raise ValueError(words) from None
        raise ValueError(f"`{value}`: {with_host} is inside the network; did you mean `{near}`?") from None
    if network.prefixlen == 0:
        raise ValueError(f"`{value}` is everything; write `gateway` for the default route")
    return str(network)


_TEXT = {"type": "string"}
_SEVERAL = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
Gateways = Annotated[tuple[str, ...], BeforeValidator(_gateways), WithJsonSchema(_SEVERAL)]
Gateway = Annotated[
    str | None,
    BeforeValidator(lambda value: value if value is None else _host(value)),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "null"}]}),
]
Routes = dict[Annotated[str, AfterValidator(_destination)], Gateway]


def port_of(value: str) -> int:
    """Return the port number of an interface as the file writes it: `eth0` is port 0."""
    found = _PORT.fullmatch(value)
    own = _OWN_NAME.fullmatch(value)
    if own is not None:
        raise ValueError(f"`{shortened(value)}` is written `{own[1]}` here, without the node's name")
    if found is None or int(found[1]) > 0xFFFE:
        raise ValueError(
            f"`{shortened(value)}` is no interface; write eth and the port's number: eth0, eth1, …"
        )
    return int(found[1])
