"""Elements of a topology beside its arrays: kinds of nodes, link ends, pools, explicit values."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Kind of a node."""

    HOST = 0
    SWITCH = 1
    ROUTER = 2

    @property
    def word(self) -> str:
        """The kind in files and reports."""
        return self.name.lower()


class Pools(NamedTuple):
    """Address pools in CIDR form; `ipv6` None switches IPv6 off."""

    ipv4: str = "10.0.0.0/8"
    ipv6: str | None = None
    links: str = "172.16.0.0/12"
    loopbacks: str = "100.64.0.0/10"


class Incident(NamedTuple):
    """One link end at a node: end 0 or 1 of `link`, at the node's `port`."""

    link: int
    end: int
    port: int


class Explicit(NamedTuple):
    """Explicit values of a node in the file.

    Addresses in CIDR form, MACs and interface names by port; fidelity; the datapath id of a switch.
    """

    addresses: tuple[tuple[int, str], ...] = ()
    macs: tuple[tuple[int, str], ...] = ()
    fidelity: str | None = None
    interfaces: tuple[tuple[int, str], ...] = ()
    dpid: int | None = None
