"""Read from the kernel what the namespace of a VPC has for ports with devices of their own."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from emulator.linux.netlink import anyip_messages, device_messages, dumps, messages
from emulator.linux.netlink.connection import attributes
from emulator.linux.netlink.dumps import Dumping
from emulator.linux.netlink.tunnel_messages import tunnel_of
from emulator.linux.observed import parse
from emulator.linux.overlay.devices.counters import port_counters
from emulator.linux.overlay.devices.items import (
    FarMac,
    FarNeighbour,
    Item,
    PortAddress,
    PortDevice,
    PortRoute,
    PortRule,
    PortUp,
    Wire,
)
from emulator.linux.overlay.items import TENANT_DEVICE, AnyAddress, LocalRule

_INDEX_AND_FLAGS = struct.Struct("=4xiI")


@dataclass
class FoundDevices:
    """Items of a namespace, its devices by index: whether each is up, and its VXLAN device."""

    items: set[Item] = field(default_factory=set)
    devices: dict[int, bool] = field(default_factory=dict)
    wire: Wire | None = None


def read_devices(netlink: Dumping) -> FoundDevices:
    """Return the items of the namespace of `netlink`. Raises KernelError."""
    found = FoundDevices()
    for _, body in netlink.dump(dumps.LINKS):
        index, flags = _INDEX_AND_FLAGS.unpack_from(body)
        found.devices[index] = up = bool(flags & messages.IFF_UP)
        about = dict(attributes(body, 16))
        info = dict(attributes(about.get(messages.IFLA_LINKINFO, b"")))
        kind = info.get(messages.IFLA_INFO_KIND, b"").rstrip(b"\0")
        (mtu,) = struct.unpack("=I", about[messages.IFLA_MTU])
        if index == TENANT_DEVICE and kind == b"vxlan":
            wire = tunnel_of(info[messages.IFLA_INFO_DATA])
            found.wire = Wire(wire.vni, wire.local, mtu)
            if anyip_messages.read_any_address(body):
                found.items.add(AnyAddress(index))
        if index in {messages.LOOPBACK, TENANT_DEVICE} or kind != b"macvlan":
            continue
        name = about[messages.IFLA_IFNAME].rstrip(b"\0").decode()
        found.items.add(PortDevice(index, name, about[messages.IFLA_ADDRESS], mtu))
        if anyip_messages.read_any_address(body):
            found.items.add(AnyAddress(index))
        if up:
            found.items.add(PortUp(index))
    _read_ways(netlink, found.items)
    _read_far(netlink, found.items)
    return found


def _read_ways(netlink: Dumping, items: set[Item]) -> None:
    """Add addresses, routes and rules."""
    for _, body in netlink.dump(dumps.ADDRESSES):
        index, packed, length = parse.address(body)
        if len(packed) == 4 and length == 32 and index != messages.LOOPBACK:
            items.add(PortAddress(index, packed))
    for _, body in netlink.dump(dumps.ROUTES[messages.AF_INET]):
        if route := device_messages.read_own_route(body):
            items.add(PortRoute(route.device, (route.packed, route.length), route.source))
    for _, body in netlink.dump(dumps.RULES[messages.AF_INET]):
        own, local = device_messages.read_own_rule(body), anyip_messages.read_rule(body)
        if own is not None and own.length == 32:
            items.add(PortRule(own.device, own.packed))
        elif local is not None and local.priority != anyip_messages.OUT_RULE:
            items.add(LocalRule(local.priority))


def _read_far(netlink: Dumping, items: set[Item]) -> None:
    """Add the ways to ports on other compute hosts."""
    for _, body in netlink.dump(dumps.NEIGHBOURS):
        entry = parse.neighbour(body)
        if entry is not None and entry[0][0] == TENANT_DEVICE and len(entry[0][1]) == 4:
            items.add(FarNeighbour(entry[0][1], entry[1]))
    for _, body in netlink.dump(device_messages.FORWARDS):
        far = device_messages.read_far_mac(body)
        if far is not None and far[0] == TENANT_DEVICE:
            items.add(FarMac(far[1], far[2]))


def read_counters(netlink: Dumping, index: int) -> tuple[int, ...]:
    """Return the counters of a device as `PORT_COUNTERS` names them."""
    ((_, body),) = netlink.dump(device_messages.one_device(index))
    return port_counters(dict(attributes(body, 16)))
