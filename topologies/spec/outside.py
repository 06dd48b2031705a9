"""Models of a node's way to the machine: `uplink:`."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from topologies.errors import shortened
from topologies.spec.section import Section

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


class OutsideKeys(Section):
    """Keys of a node with a way to the machine."""

    uplink: Uplink | None = Field(
        None,
        description="Network of the link between a node of `kind: nat` or `outside` and the machine; "
        "default: a free one",
        examples=["198.18.0.0/30"],
    )
