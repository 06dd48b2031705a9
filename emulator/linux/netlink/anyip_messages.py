"""Messages that make a whole network local to a namespace: routes and rules of light ports.

The kernel then owns every address of the network without having any: it answers, binds and connects as each
("AnyIP", a route of type local to a prefix). Packets to these addresses that the namespace itself sends must
leave it all the same. So a rule before that of the local table sends them out, for packets that start here
(`iif lo`, as the kernel calls them). Formats: include/uapi/linux/{rtnetlink,fib_rules}.h.
"""

from __future__ import annotations

import struct

from emulator.linux.netlink.connection import NLM_F_REQUEST
from emulator.linux.netlink.messages import (
    AF_INET,
    IFLA_AF_SPEC,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    attribute,
    link_body,
    message,
    nested,
    u32,
)

RTM_NEWRULE, RTM_DELRULE = 32, 33
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
_RTMSG = struct.Struct("=BBBBBBBBI")
_STATIC = 4
_LOCAL_TABLE, OUT_TABLE = 255, 100
_UNICAST, _LOCAL = 1, 2
_SCOPE_HOST, _SCOPE_LINK = 254, 253
_ONLINK = 4
_LOCK_MTU = 1 << 2

NEXT_HOP = bytes((169, 254, 0, 1))
"""Next hop of all packets to ports. The programs write both MACs, so it needs none that exists."""
NEXT_HOP_MAC = bytes((2, 0, 0, 0, 0, 1))

_FIRST_RULE, _LOCAL_RULE = 10, 100
_RP_FILTER, _ARP_IGNORE, _ACCEPT_LOCAL = 8, 19, 23
"""IPV4_DEVCONF_* of include/uapi/linux/ip.h."""


def accept_any(index: int) -> bytes:
    """Return the message that lets a link receive packets from addresses that are local here.

    Reverse path filtering is off, and ARP is answered for addresses of the link alone, not for the ports'.
    One message for all three; files under /proc/sys are quadratic in the number of namespaces.
    """
    settings = u32(_ACCEPT_LOCAL, 1) + u32(_RP_FILTER, 0) + u32(_ARP_IGNORE, 1)
    spec = nested(IFLA_AF_SPEC, nested(AF_INET, nested(1, settings)))  # IFLA_INET_CONF
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + spec)


def local_network(index: int, packed: bytes, length: int) -> bytes:
    """Return the message that makes all addresses of a network local, on the link `index`."""
    body = _RTMSG.pack(AF_INET, length, 0, 0, _LOCAL_TABLE, _STATIC, _SCOPE_HOST, _LOCAL, 0)
    return message(RTM_NEWROUTE, _NEW, body + attribute(1, packed) + u32(4, index))


def way_out(index: int, packed: bytes, length: int, source: bytes, mtu: int) -> bytes:
    """Return the message for the route by which packets of this namespace reach the network's ports.

    `source` is the address of processes without an identity; `mtu` is fixed: no message changes it.
    """
    body = _RTMSG.pack(AF_INET, length, 0, 0, OUT_TABLE, _STATIC, 0, _UNICAST, _ONLINK)
    body += attribute(1, packed) + u32(4, index) + attribute(7, source) + attribute(5, NEXT_HOP)
    body += nested(8, u32(1, _LOCK_MTU), u32(2, mtu))  # RTA_METRICS: RTAX_LOCK, RTAX_MTU
    return message(RTM_NEWROUTE, _NEW, body)


def rules(networks: list[tuple[bytes, int]]) -> list[bytes]:
    """Return the messages that put the way out before the local table, for the networks of ports."""
    first = [
        _rule(RTM_NEWRULE, _FIRST_RULE, OUT_TABLE, length, attribute(1, packed) + attribute(3, b"lo\0"))
        for packed, length in networks
    ]
    local = _rule(RTM_NEWRULE, _LOCAL_RULE, _LOCAL_TABLE)
    old = _rule(RTM_DELRULE, 0, _LOCAL_TABLE)
    return [*first, local, old]


def _rule(kind: int, priority: int, table: int, length: int = 0, more: bytes = b"") -> bytes:
    body = _RTMSG.pack(AF_INET, length, 0, 0, table, 0, 0, _UNICAST, 0)
    flags = _NEW if kind == RTM_NEWRULE else NLM_F_REQUEST
    return message(kind, flags, body + more + u32(6, priority) + u32(15, table))
