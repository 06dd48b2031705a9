"""Netlink messages about VXLAN devices (include/uapi/linux/if_link.h, IFLA_VXLAN_*)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from emulator.linux.netlink.connection import NLM_F_REQUEST, attributes
from emulator.linux.netlink.messages import (
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_NEWLINK,
    attribute,
    link_body,
    message,
    nested,
    u32,
)
from emulator.tunnels import VXLAN_PORT, TunnelEnd

_ID, _REMOTE, _LINK, _LOCAL, _TTL, _LEARNING, _PROXY = 1, 2, 3, 4, 5, 7, 11
_PORT, _REMOTE6, _LOCAL6, _METADATA = 15, 16, 17, 25
_HOPS = 64
_U32 = struct.Struct("=I")
_BE16 = struct.Struct("!H")


def tunnel(
    name: bytes, index: int, mac: bytes, namespace: int, wire: TunnelEnd, *,
    master: int, lower: int, mtu: int, up: bool,
) -> bytes:  # fmt: skip
    """Return the message that creates the end `wire` of a point-to-point tunnel.

    Send it from the namespace of the underlay. The device appears in the namespace of descriptor `namespace`,
    as a port of the bridge with index `master` (0: none), up or down. `lower` is the index of the underlay
    device, 0 for none. The MTU is always set: the kernel's default fits no underlay.
    """
    flags = IFF_UP if up else 0
    body = link_body(index, flags=flags, change=flags) + attribute(IFLA_IFNAME, name + b"\0")
    body += attribute(IFLA_ADDRESS, mac) + u32(IFLA_MTU, mtu) + u32(IFLA_NET_NS_FD, namespace)
    if master:
        body += u32(IFLA_MASTER, master)
    remote, local = (_REMOTE, _LOCAL) if len(wire.remote) == 4 else (_REMOTE6, _LOCAL6)
    data = u32(_ID, wire.vni) + attribute(remote, wire.remote) + attribute(local, wire.local)
    data += attribute(_LEARNING, b"\0") + attribute(_PORT, _BE16.pack(wire.port))
    if lower:
        data += u32(_LINK, lower)
    return _created(body, data)


def vpc_device(
    name: bytes, index: int, mac: bytes, namespace: int, *, vni: int, vtep: bytes, mtu: int
) -> bytes:
    """Return the message that creates the VXLAN device of a VPC in the namespace of descriptor `namespace`.

    Send it from the compute host's namespace: there its packets leave. It learns nothing, and answers ARP
    itself for all ports that it has as neighbours.
    """
    body = link_body(index) + attribute(IFLA_IFNAME, name + b"\0") + attribute(IFLA_ADDRESS, mac)
    body += u32(IFLA_MTU, mtu) + u32(IFLA_NET_NS_FD, namespace)
    data = u32(_ID, vni) + attribute(_LOCAL, vtep) + attribute(_TTL, bytes((_HOPS,)))
    data += attribute(_LEARNING, b"\0") + attribute(_PROXY, b"\1")
    data += attribute(_PORT, _BE16.pack(VXLAN_PORT))
    return _created(body, data)


def _created(body: bytes, data: bytes) -> bytes:
    """Return the message that creates a VXLAN device with these attributes of the link, and of its kind."""
    info = attribute(IFLA_INFO_KIND, b"vxlan") + nested(IFLA_INFO_DATA, data)
    return message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, body + nested(IFLA_LINKINFO, info))


class Tunnel(NamedTuple):
    """Settings of a VXLAN device: VNI (-1: it has none of its own), UDP port, addresses (empty: none).

    `lower` is the index of its underlay device, 0 for none.
    """

    vni: int
    port: int
    local: bytes
    remote: bytes
    learning: bool
    lower: int


def tunnel_of(data: bytes) -> Tunnel:
    """Return the settings of a VXLAN device from its IFLA_INFO_DATA."""
    found = dict(attributes(data))
    vni = -1 if found.get(_METADATA, b"\0") != b"\0" else _U32.unpack(found[_ID])[0]
    local, remote = (
        found.get(short) or found.get(long, b"") for short, long in ((_LOCAL, _LOCAL6), (_REMOTE, _REMOTE6))
    )
    lower = _U32.unpack(found[_LINK])[0] if _LINK in found else 0
    learning = found.get(_LEARNING, b"\0") != b"\0"
    return Tunnel(vni, _BE16.unpack(found[_PORT])[0], local, remote, learning, lower)
