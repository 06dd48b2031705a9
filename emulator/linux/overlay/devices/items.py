"""What the namespace of a VPC has on a compute host for ports with devices, item by item. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.linux.netlink.anyip_messages import LOCAL_RULE
from emulator.linux.overlay.items import TENANT_DEVICE, AnyAddress, LocalRule, Network
from emulator.overlay.devices import DEVICE_MTU, DevicePorts, PortRow
from emulator.overlay.plan import Overlay, Tenant


class Wire(NamedTuple):
    """Settings of a VPC's VXLAN device on a compute host, which no message changes: it is made again."""

    vni: int
    vtep: bytes
    mtu: int

    def __str__(self) -> str:
        return f"VNI {self.vni:,} from {ipaddress.IPv4Address(self.vtep)} with MTU {self.mtu:,}"


@dataclass(frozen=True, slots=True)
class FarMac:
    """Where frames for a port on another compute host go."""

    mac: bytes
    vtep: bytes

    def __str__(self) -> str:
        return f"way of frames for {self.mac.hex(':')} to {ipaddress.IPv4Address(self.vtep)}"


@dataclass(frozen=True, slots=True)
class FarNeighbour:
    """The MAC of a port on another compute host, by which the VXLAN device answers ARP."""

    address: bytes
    mac: bytes

    def __str__(self) -> str:
        return f"permanent neighbour {ipaddress.IPv4Address(self.address)}"


@dataclass(frozen=True, slots=True)
class PortDevice:
    """The macvlan of a port."""

    index: int
    name: str
    mac: bytes
    mtu: int

    def __str__(self) -> str:
        return f"macvlan {self.name} with {self.mac.hex(':')} and MTU {self.mtu}"


@dataclass(frozen=True, slots=True)
class PortAddress:
    """The address of a port's macvlan."""

    index: int
    address: bytes

    def __str__(self) -> str:
        return f"address {ipaddress.IPv4Address(self.address)}"


@dataclass(frozen=True, slots=True)
class PortRule:
    """The rule by which packets from a port's address leave by its macvlan."""

    index: int
    address: bytes

    def __str__(self) -> str:
        return f"rule for packets from {ipaddress.IPv4Address(self.address)}"


@dataclass(frozen=True, slots=True)
class PortUp:
    """The state of a macvlan that is up."""

    index: int

    def __str__(self) -> str:
        return f"state up of device {self.index}"


@dataclass(frozen=True, slots=True)
class PortRoute:
    """A port's route to a subnet of its VPC; the kernel drops it when the macvlan goes down."""

    index: int
    network: Network
    source: bytes

    def __str__(self) -> str:
        address = ipaddress.IPv4Address(self.source)
        return f"route from {address} to {ipaddress.IPv4Address(self.network[0])}/{self.network[1]}"


Item = (
    FarMac | FarNeighbour | PortDevice | AnyAddress | PortAddress | PortRule | PortUp | PortRoute | LocalRule
)


def device_items(
    overlay: Overlay, ports: DevicePorts, tenant: Tenant, up: npt.NDArray[np.bool_] | None
) -> tuple[Item, ...]:
    """Return the items of a VPC's namespace, once its VXLAN device exists, in the order in which they come.

    `up` (bool[k]) tells which ports are up; None leaves out the ports of the namespace itself.
    """
    # the VXLAN device has no address: without its settings it would answer ARP for ports by its own MAC
    out: list[Item] = [LocalRule(LOCAL_RULE), AnyAddress(TENANT_DEVICE)]
    if up is not None:
        mtu, networks = port_mtu(overlay, tenant), ports.networks(tenant)
        for port in ports.own(tenant):
            out += port_items(port, mtu)
            if up[port.row]:
                out += up_items(port, networks)
    for far in ports.far(tenant):
        out += (FarMac(far.mac, far.vtep), FarNeighbour(far.address, far.mac))
    return tuple(out)


def port_mtu(overlay: Overlay, tenant: Tenant) -> int:
    """Return the MTU of the ports in a namespace."""
    return min(DEVICE_MTU, overlay.hosts[tenant.host].mtu)


def port_items(port: PortRow, mtu: int) -> tuple[Item, ...]:
    """Return the items of a port that is down."""
    made = PortDevice(port.device, port.name, port.mac, mtu), AnyAddress(port.device)
    return *made, PortAddress(port.device, port.address), PortRule(port.device, port.address)


def up_items(port: PortRow, networks: Sequence[Network]) -> tuple[Item, ...]:
    """Return what a port that is up has besides: its routes to the subnets of its VPC."""
    routes = (PortRoute(port.device, network, port.address) for network in networks)
    return PortUp(port.device), *routes
