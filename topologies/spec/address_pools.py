"""Model of `addressing:`, the address pools."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from topologies.errors import shortened
from topologies.spec.section import Section

_SPECIAL = {
    4: {
        "127.0.0.0/8": "loopback", "224.0.0.0/4": "multicast", "240.0.0.0/4": "reserved",
        "0.0.0.0/8": "reserved",
    },
    6: {"::/127": "loopback", "fe80::/10": "link-local", "ff00::/8": "multicast"},
}  # fmt: skip
"""IP version -> prefix -> its use (RFC 6890, RFC 4291); not for nodes."""


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
                    f"`{shown}` holds {words} addresses, which nodes can't have; write for example {example}"
                )
        return str(network)

    return AfterValidator(check)


Network4 = Annotated[str, _network(4)]
Network6 = Annotated[str, _network(6)]


class Addressing(Section):
    """Pools that addresses come from."""

    EXAMPLE: ClassVar[str] = "{ipv4: 10.0.0.0/8}"

    ipv4: Network4 = Field("10.0.0.0/8", description="Pool of the hosts")
    ipv6: Network6 | None = Field(None, description="Pool of the hosts; without it IPv6 is off")
    links: Network4 = Field("172.16.0.0/12", description="Pool of the links between routers")
    loopbacks: Network4 = Field("100.64.0.0/10", description="Pool of the routers' own addresses")
    static_arp: bool = Field(default=False, description="Fill the neighbour tables instead of using ARP")
