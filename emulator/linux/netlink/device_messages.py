"""Messages for light ports with a device of their own: macvlans, their ways out, where other ports are.

Formats: include/uapi/linux/{if_link,neighbour,rtnetlink,fib_rules}.h. Each port's packets leave by a table of
its own, which a rule finds by their source.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from emulator.linux.netlink.connection import NLM_F_ACK, NLM_F_REQUEST, attributes
from emulator.linux.netlink.dumps import of_family
from emulator.linux.netlink.messages import (
    AF_INET,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MTU,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RTM_DELNEIGH,
    RTM_DELROUTE,
    RTM_GETLINK,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    attribute,
    link_body,
    message,
    nested,
    u32,
)

_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
_PUT = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE
_RTM_NEWRULE, _RTM_DELRULE, _RTM_GETNEIGH = 32, 33, 30
_RTMSG = struct.Struct("=BBBBBBBBI")
_NDMSG = struct.Struct("=BxxxiHBB")
_AF_BRIDGE, _PERMANENT, _SELF = 7, 0x80, 2
_IFLA_LINK, _BRIDGE_MODE = 5, 4
_STATIC, _UNICAST, _SCOPE_LINK = 4, 1, 253
OWN_RULE = 10
"""Priority of the rules of ports: before the local table, so that ports of one namespace meet on the wire."""
_FIRST_TABLE = 1000
FORWARDS = of_family(_RTM_GETNEIGH, _AF_BRIDGE, _NDMSG.size)
"""Request for where VXLAN devices send frames to each MAC."""


class FoundOwn(NamedTuple):
    """A port's rule or route: the index of its device, and the network; `source` is empty for rules."""

    device: int
    packed: bytes
    length: int
    source: bytes


def one_device(index: int) -> bytes:
    """Return the request for one device: `Netlink.dump` gives the answer, KernelError (ENODEV) without."""
    return message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, link_body(index))


def port_device(name: bytes, index: int, mac: bytes, lower: int, mtu: int) -> bytes:
    """Return the message that creates a macvlan on the device with index `lower`, down."""
    body = link_body(index) + attribute(IFLA_IFNAME, name + b"\0") + attribute(IFLA_ADDRESS, mac)
    body += u32(IFLA_MTU, mtu) + u32(_IFLA_LINK, lower)
    info = attribute(IFLA_INFO_KIND, b"macvlan") + nested(IFLA_INFO_DATA, u32(1, _BRIDGE_MODE))
    return message(RTM_NEWLINK, _NEW, body + nested(IFLA_LINKINFO, info))


def far_mac(index: int, mac: bytes, vtep: bytes, *, delete: bool = False, replace: bool = False) -> bytes:
    """Return the message by which a VXLAN device sends frames for `mac` to a compute host.

    `replace`: also if it sends them to another one so far.
    """
    body = _NDMSG.pack(_AF_BRIDGE, index, _PERMANENT, _SELF, 0) + attribute(2, mac) + attribute(1, vtep)
    if delete:
        return message(RTM_DELNEIGH, NLM_F_REQUEST, body)
    return message(RTM_NEWNEIGH, _PUT if replace else _NEW, body)


def own_route(index: int, packed: bytes, length: int, source: bytes, *, delete: bool = False) -> bytes:
    """Return the message for a port's route to a subnet of its VPC: all ports are on its link."""
    body = _RTMSG.pack(AF_INET, length, 0, 0, 0, _STATIC, _SCOPE_LINK, _UNICAST, 0)
    body += attribute(1, packed) + u32(4, index) + attribute(7, source) + u32(15, _FIRST_TABLE + index)
    return message(RTM_DELROUTE, NLM_F_REQUEST, body) if delete else message(RTM_NEWROUTE, _NEW, body)


def own_rule(index: int, source: bytes, *, delete: bool = False) -> bytes:
    """Return the message for the rule by which packets from a port's address take its routes."""
    body = _RTMSG.pack(AF_INET, 0, 32, 0, 0, 0, 0, _UNICAST, 0) + attribute(2, source)
    body += attribute(3, b"lo\0") + u32(6, OWN_RULE) + u32(15, _FIRST_TABLE + index)
    kind, flags = (_RTM_DELRULE, NLM_F_REQUEST) if delete else (_RTM_NEWRULE, _NEW)
    return message(kind, flags, body)


def read_far_mac(body: bytes) -> tuple[int, bytes, bytes] | None:
    """Return index, MAC and compute host of a permanent entry of a VXLAN device; None for any other."""
    family, index, state, flags, _ = _NDMSG.unpack_from(body)
    found = dict(attributes(body, _NDMSG.size))
    if family != _AF_BRIDGE or not state & _PERMANENT or not flags & _SELF or 1 not in found:
        return None
    return index, found.get(2, b""), found[1]


def read_own_route(body: bytes) -> FoundOwn | None:
    """Return the route of an RTM_NEWROUTE if it is a port's, else None."""
    family, length, _, _, _, protocol, _, kind, _ = _RTMSG.unpack_from(body)
    found = dict(attributes(body, _RTMSG.size))
    index = _table(found) - _FIRST_TABLE
    if family != AF_INET or protocol != _STATIC or kind != _UNICAST or index <= 0 or _u32(found, 4) != index:
        return None
    return FoundOwn(index, found.get(1, bytes(4)), length, found.get(7, b""))


def read_own_rule(body: bytes) -> FoundOwn | None:
    """Return the rule of an RTM_NEWRULE if it is a port's, else None."""
    found = dict(attributes(body, _RTMSG.size))
    index, length = _table(found) - _FIRST_TABLE, body[2]
    if _u32(found, 6) != OWN_RULE or index <= 0 or found.get(3) != b"lo\0":
        return None
    return FoundOwn(index, found.get(2, b""), length, b"")


def _u32(found: dict[int, bytes], kind: int) -> int:
    return int(struct.unpack("=I", found.get(kind, bytes(4)))[0])


def _table(found: dict[int, bytes]) -> int:
    return _u32(found, 15)
