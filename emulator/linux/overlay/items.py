"""What a namespace has so that its ports work, item by item: programs, routes, rules. Pure.

A compute host, or the namespace of an address space on one, is described by a sequence of items in the order
in which they are added. So creating, comparing and changing a namespace share one description.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from emulator.indices import port_index
from emulator.linux.netlink.anyip_messages import LOCAL_RULE
from emulator.linux.netlink.bpf_filter import EGRESS, INGRESS
from emulator.overlay.plan import ComputeHost, Overlay, Tenant

TENANT_DEVICE, TENANT_INTERFACE = port_index(0), "eth0"
"""Index and name of the only device in a tenant's namespace."""
FROM_STACK, FROM_DEVICE, FROM_WIRE = "em_from_stack", "em_from_device", "em_from_wire"
"""Names of the filters."""
Network = tuple[bytes, int]
"""Packed address and prefix length."""


@dataclass(frozen=True, slots=True)
class FilterPlace:
    """The place for programs of a device."""

    index: int

    def __str__(self) -> str:
        return f"clsact of device {self.index}"


@dataclass(frozen=True, slots=True)
class Filter:
    """A program of a device: what it decides on, and which it is."""

    index: int
    direction: int
    program: str

    def __str__(self) -> str:
        return f"program {self.program} of device {self.index}"


@dataclass(frozen=True, slots=True)
class AnyAddress:
    """Settings by which a device takes packets from local addresses, and answers no ARP for ports."""

    index: int

    def __str__(self) -> str:
        return f"settings accept_local, rp_filter and arp_ignore of device {self.index}"


@dataclass(frozen=True, slots=True)
class NextHop:
    """The permanent neighbour behind which all other ports are."""

    index: int

    def __str__(self) -> str:
        return "permanent neighbour of the way to ports"


@dataclass(frozen=True, slots=True)
class LocalNetwork:
    """A network of ports whose addresses are all local."""

    index: int
    network: Network

    def __str__(self) -> str:
        return f"local route {_text(self.network)}"


@dataclass(frozen=True, slots=True)
class WayOut:
    """The route to the ports of a network elsewhere, with the source address and MTU of packets."""

    index: int
    network: Network
    source: bytes
    mtu: int

    def __str__(self) -> str:
        return f"route {_text(self.network)} to ports"


@dataclass(frozen=True, slots=True)
class NoWayOut:
    """The route for packets to ports while the device of the ways out is down."""

    def __str__(self) -> str:
        return "unreachable route to ports elsewhere"


@dataclass(frozen=True, slots=True)
class OutRule:
    """The rule that sends packets to a network of ports out."""

    network: Network

    def __str__(self) -> str:
        return f"rule for packets to {_text(self.network)}"


@dataclass(frozen=True, slots=True)
class LocalRule:
    """The rule for the local table."""

    priority: int

    def __str__(self) -> str:
        return f"rule {self.priority} for the local table"


Item = FilterPlace | Filter | AnyAddress | NextHop | LocalNetwork | WayOut | NoWayOut | OutRule | LocalRule


def _text(network: Network) -> str:
    return f"{ipaddress.IPv4Address(network[0])}/{network[1]}"


def host_items(overlay: Overlay, host: ComputeHost) -> tuple[Item, ...]:
    """Return the items of a compute host, once the devices of its tenants and members exist."""
    index, space = host.uplink, overlay.spaces_of_host[host.node]
    out: list[Item] = [FilterPlace(index), Filter(index, INGRESS, FROM_WIRE)]
    if space >= 0:
        out.append(Filter(index, EGRESS, FROM_STACK))
        out += _any_ip(overlay, space, index, host.vtep.to_bytes(4), host.mtu)
    else:
        out.append(LocalRule(0))
    for tenant in overlay.tenants_of(host.node):
        out += (FilterPlace(tenant.device), Filter(tenant.device, INGRESS, FROM_DEVICE))
    for member in overlay.members_of(host.node):
        out += (FilterPlace(member.device), Filter(member.device, INGRESS, FROM_DEVICE))
    return tuple(out)


def without_devices(items: Sequence[Item], absent: Collection[int]) -> tuple[Item, ...]:
    """Return `items` without the programs of devices that are absent."""
    return tuple(
        item for item in items if not (isinstance(item, FilterPlace | Filter) and item.index in absent)
    )


def tenant_items(overlay: Overlay, tenant: Tenant) -> tuple[Item, ...]:
    """Return the items of a tenant's namespace, once its device exists."""
    base, _ = overlay.ports.vpcs.networks[tenant.space][0]
    mtu = overlay.hosts[tenant.host].mtu
    return tuple(_any_ip(overlay, tenant.space, TENANT_DEVICE, base.to_bytes(4), mtu))


def _any_ip(overlay: Overlay, space: int, index: int, source: bytes, mtu: int) -> Iterator[Item]:
    """Yield the items by which a namespace owns all addresses of an address space.

    `source` is the address of processes without an identity, `mtu` that of the ports.
    """
    networks = [(base.to_bytes(4), length) for base, length in overlay.ports.vpcs.networks[space]]
    yield AnyAddress(index)
    yield NextHop(index)
    yield from (LocalNetwork(index, network) for network in networks)
    yield NoWayOut()
    yield from (WayOut(index, network, source, mtu) for network in networks)
    yield from map(OutRule, networks)
    yield LocalRule(LOCAL_RULE)


UNTOUCHED: tuple[Item, ...] = (LocalRule(0),)
"""Items of a node without ports."""
