"""Messages that make a whole network local to a namespace: routes and rules of light ports.

The kernel then owns every address of the network without having any: it answers, binds and connects as each
("AnyIP", a route of type local to a prefix). Packets to these addresses that the namespace itself sends must
leave it all the same. So a rule before that of the local table sends them out, for packets that start here
(`iif lo`, as the kernel calls them). Formats: include/uapi/linux/{rtnetlink,fib_rules}.h.
"""

from __future__ import annotations

import struct
import sys
from typing import NamedTuple

from emulator.linux.netlink.connection import NLM_F_REQUEST, attributes
from emulator.linux.netlink.messages import (
    AF_INET,
    IFLA_AF_SPEC,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELROUTE,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    attribute,
    link_body,
    message,
    nested,
    u32,
)
from topologies import vpcs

RTM_NEWRULE, RTM_DELRULE = 32, 33
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
_RTMSG = struct.Struct("=BBBBBBBBI")
_STATIC = 4
_LOCAL_TABLE, OUT_TABLE = 255, 100
_UNICAST, _LOCAL, _UNREACHABLE = 1, 2, 7
_FRA_PROTOCOL, _KERNEL = 21, 2
_SCOPE_HOST, _SCOPE_LINK = 254, 253
_ONLINK = 4
_LOCK_MTU = 1 << 2

NEXT_HOP = vpcs.NEXT_HOP.to_bytes(4)
"""Next hop of all packets to ports. The programs write both MACs, so it needs none that exists."""
NEXT_HOP_MAC = bytes((2, 0, 0, 0, 0, 1))

OUT_RULE, LOCAL_RULE = 10, 100
"""Priorities of the rules; the local table's is 0 in a new namespace."""
_RP_FILTER, _ARP_IGNORE, _ACCEPT_LOCAL = 8, 19, 23
"""IPV4_DEVCONF_* of include/uapi/linux/ip.h."""


class FoundRoute(NamedTuple):
    """A route: to local addresses (`local`), nowhere (`dead`), else the way out with `source` and `mtu`."""

    device: int
    packed: bytes
    length: int
    local: bool
    source: bytes
    mtu: int
    dead: bool = False


class FoundRule(NamedTuple):
    """A rule; `packed` and `length` are the network of a way out."""

    priority: int
    packed: bytes
    length: int


def accept_any(index: int, *, on: bool = True) -> bytes:
    """Return the message that lets a link receive packets from addresses that are local here, or not.

    Reverse path filtering is off, and ARP is answered for addresses of the link alone, not for the ports'.
    One message for all three; files under /proc/sys are quadratic in the number of namespaces.
    """
    settings = u32(_ACCEPT_LOCAL, on) + u32(_RP_FILTER, 0) + u32(_ARP_IGNORE, on)
    spec = nested(IFLA_AF_SPEC, nested(AF_INET, nested(1, settings)))  # IFLA_INET_CONF
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + spec)


def local_network(index: int, packed: bytes, length: int, *, delete: bool = False) -> bytes:
    """Return the message that makes all addresses of a network local, on the link `index`."""
    body = _RTMSG.pack(AF_INET, length, 0, 0, _LOCAL_TABLE, _STATIC, _SCOPE_HOST, _LOCAL, 0)
    return _route(body + attribute(1, packed) + u32(4, index), delete=delete)


def way_out(
    index: int, packed: bytes, length: int, source: bytes, mtu: int, *, delete: bool = False
) -> bytes:
    """Return the message for the route by which packets of this namespace reach the network's ports.

    `source` is the address of processes without an identity; `mtu` is fixed: no message changes it.
    """
    body = _RTMSG.pack(AF_INET, length, 0, 0, OUT_TABLE, _STATIC, 0, _UNICAST, _ONLINK)
    body += attribute(1, packed) + u32(4, index) + attribute(7, source) + attribute(5, NEXT_HOP)
    body += nested(8, u32(1, _LOCK_MTU), u32(2, mtu))  # RTA_METRICS: RTAX_LOCK, RTAX_MTU
    return _route(body, delete=delete)


def no_way_out(*, delete: bool = False) -> bytes:
    """Return the message for the route that is left when the device of the ways out is down.

    Without it the packets would go on to the local table, and this namespace would answer for every port.
    """
    return _route(_RTMSG.pack(AF_INET, 0, 0, 0, OUT_TABLE, _STATIC, 0, _UNREACHABLE, 0), delete=delete)


def _route(body: bytes, *, delete: bool) -> bytes:
    return message(RTM_DELROUTE, NLM_F_REQUEST, body) if delete else message(RTM_NEWROUTE, _NEW, body)


def rule_out(packed: bytes, length: int, *, delete: bool = False) -> bytes:
    """Return the message that puts the way out to a network before the local table."""
    return _rule(OUT_RULE, OUT_TABLE, length, attribute(1, packed) + attribute(3, b"lo\0"), delete=delete)


def local_rule(priority: int, *, delete: bool = False) -> bytes:
    """Return the message for the rule that asks the local table: LOCAL_RULE, or 0 as in a new namespace."""
    by_kernel = not priority and not delete
    more = attribute(_FRA_PROTOCOL, bytes((_KERNEL,))) if by_kernel else b""
    return _rule(priority, _LOCAL_TABLE, more=more, delete=delete)


def _rule(priority: int, table: int, length: int = 0, more: bytes = b"", *, delete: bool) -> bytes:
    body = _RTMSG.pack(AF_INET, length, 0, 0, table, 0, 0, _UNICAST, 0) + more + u32(6, priority)
    kind, flags = (RTM_DELRULE, NLM_F_REQUEST) if delete else (RTM_NEWRULE, _NEW)
    return message(kind, flags, body + u32(15, table))


def read_any_address(link: bytes) -> bool:
    """Return whether a link, the body of an RTM_NEWLINK, has the settings of `accept_any`."""
    spec = dict(attributes(dict(attributes(link, 16)).get(IFLA_AF_SPEC, b"")))
    settings = dict(attributes(spec.get(AF_INET, b""))).get(1, b"")
    wanted = ((_ACCEPT_LOCAL, 1), (_RP_FILTER, 0), (_ARP_IGNORE, 1))
    values = memoryview(settings).cast("I")
    return len(values) >= _ACCEPT_LOCAL and all(values[number - 1] == value for number, value in wanted)


def read_route(body: bytes) -> FoundRoute | None:
    """Return the route of an RTM_NEWROUTE if it is one of the above, else None."""
    family, length, _, _, table, protocol, _, kind, _ = _RTMSG.unpack_from(body)
    local = table == _LOCAL_TABLE and kind == _LOCAL
    if family != AF_INET or protocol != _STATIC or not (local or table == OUT_TABLE):
        return None
    found = dict(attributes(body, _RTMSG.size))
    metrics = dict(attributes(found.get(8, b"")))
    index, mtu = (int.from_bytes(part, sys.byteorder) for part in (found.get(4, b""), metrics.get(2, b"")))
    dead = kind == _UNREACHABLE
    return FoundRoute(index, found.get(1, bytes(4)), length, local, found.get(7, b""), mtu, dead)


def read_rule(body: bytes) -> FoundRule | None:
    """Return the rule of an RTM_NEWRULE if it is one of the above, else None."""
    _, length, source, tos, table, _, _, action, _ = _RTMSG.unpack_from(body)
    found = dict(attributes(body, _RTMSG.size))
    priority = int.from_bytes(found.get(6, b""), sys.byteorder)
    ours = {LOCAL_RULE: _LOCAL_TABLE, 0: _LOCAL_TABLE, OUT_RULE: OUT_TABLE}.get(priority)
    if ours != table or source or tos or action != _UNICAST:
        return None
    if priority == OUT_RULE and found.get(3) != b"lo\0":
        return None
    return FoundRule(priority, found.get(1, b""), length)
