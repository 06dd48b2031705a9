"""rtnetlink messages as bytes: links, addresses, routes, neighbours.

Formats: include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour,veth}.h and rtnetlink(7). The
messages that every host needs are one `struct.pack` each. A network of 10,000 hosts packs 50,000 of
them, and concatenation attribute by attribute costs five times as much.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from emulator.linux.netlink.connection import NLM_F_DUMP, NLM_F_REQUEST
from emulator.linux.netlink.datagrams import HEADER

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR = 20, 21
RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTM_NEWNEIGH, RTM_DELNEIGH = 28, 29

NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
_PUT = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE

IFF_RUNNING, IFF_NOARP = 0x40, 0x80
IFF_UP = 1
AF_INET, AF_INET6, AF_UNSPEC = 2, 10, 0

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10
IFLA_LINKINFO, IFLA_AF_SPEC, IFLA_NET_NS_FD = 18, 26, 28
_IFLA_GROUP = 27
IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 31, 32
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
NLA_F_NESTED = 0x8000

_IFINFO = struct.Struct("=BxHiII")
LOOPBACK = 1


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded to 4 bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(parts))


def u32(kind: int, value: int) -> bytes:
    """Return an attribute that holds a 32-bit number."""
    return struct.pack("=HHI", 8, kind, value)


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a complete message; the socket writes the sequence number."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, 0, 0) + body


def link_body(index: int, *, flags: int = 0, change: int = 0) -> bytes:
    """Return `struct ifinfomsg`."""
    return _IFINFO.pack(AF_UNSPEC, 0, index, flags, change)


# nlmsghdr, ifinfomsg, IFNAME, ADDRESS, MTU, NET_NS_FD, MASTER, queues, LINKINFO{KIND, DATA{PEER{…}}}
_VETH = struct.Struct(
    "=IHHII BxHiII HH16s HH6sxx HHI HHi HHI HHI HHI HH HH4s HH HH BxHiII HH16s HH6sxx HHI HHI HHI".replace(
        " ", ""
    )
)
_PEER_SIZE = 4 + 16 + 20 + 12 + 8 + 8 + 8
_DATA_SIZE = 4 + _PEER_SIZE
_INFO_SIZE = 4 + 8 + _DATA_SIZE


def veth(
    name: bytes, index: int, mac: bytes, namespace: int, master: int, *, up: bool,
    peer_name: bytes, peer_index: int, peer_mac: bytes, mtu: int = 1500,
) -> bytes:  # fmt: skip
    """Return the message that creates a veth pair.

    The main end is created in the namespace of descriptor `namespace`, as a port of the bridge with
    index `master` (0: none), up or down. The peer end is created in the socket's own namespace. Both
    indices are required: otherwise the kernel ignores the peer's.
    """
    flags = IFF_UP if up else 0
    return _VETH.pack(
        _VETH.size, RTM_NEWLINK, _NEW, 0, 0,
        AF_UNSPEC, 0, index, flags, flags,
        20, IFLA_IFNAME, name,
        10, IFLA_ADDRESS, mac,
        8, IFLA_MTU, mtu,
        8, IFLA_NET_NS_FD, namespace,
        8, IFLA_MASTER, master,
        8, IFLA_NUM_TX_QUEUES, 1,
        8, IFLA_NUM_RX_QUEUES, 1,
        _INFO_SIZE, IFLA_LINKINFO | NLA_F_NESTED,
        8, IFLA_INFO_KIND, b"veth",
        _DATA_SIZE, IFLA_INFO_DATA | NLA_F_NESTED,
        _PEER_SIZE, 1,
        AF_UNSPEC, 0, peer_index, 0, 0,
        20, IFLA_IFNAME, peer_name,
        10, IFLA_ADDRESS, peer_mac,
        8, IFLA_MTU, mtu,
        8, IFLA_NUM_TX_QUEUES, 1,
        8, IFLA_NUM_RX_QUEUES, 1,
    )  # fmt: skip


def veth_here(
    name: bytes, index: int, mac: bytes, *,
    peer_name: bytes, peer_index: int, peer_mac: bytes, namespace: int, mtu: int = 1500,
) -> bytes:  # fmt: skip
    """Return the message that creates a veth pair with the main end in the socket's own namespace.

    The peer is created in the namespace of descriptor `namespace`. Neither end is up.
    """
    common = u32(IFLA_MTU, mtu) + u32(IFLA_NUM_TX_QUEUES, 1) + u32(IFLA_NUM_RX_QUEUES, 1)
    peer = link_body(peer_index) + attribute(IFLA_IFNAME, peer_name + b"\0") + common
    peer += attribute(IFLA_ADDRESS, peer_mac) + u32(IFLA_NET_NS_FD, namespace)
    info = attribute(IFLA_INFO_KIND, b"veth") + nested(IFLA_INFO_DATA, attribute(1, peer))
    main = link_body(index) + attribute(IFLA_IFNAME, name + b"\0") + common + attribute(IFLA_ADDRESS, mac)
    return message(RTM_NEWLINK, _NEW, main + nested(IFLA_LINKINFO, info))


_QUIET_SPEC = nested(IFLA_AF_SPEC, nested(AF_INET6, attribute(8, b"\1")))  # IFLA_INET6_ADDR_GEN_MODE = none


def no_link_local(index: int) -> bytes:
    """Return the message that stops the kernel from adding an IPv6 link-local address to a link.

    The kernel ignores this setting at creation. It needs a separate message before the link comes up.
    """
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + _QUIET_SPEC)


def link_up(index: int, *, up: bool = True) -> bytes:
    """Return the message that brings a link up (or down)."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index, flags=IFF_UP if up else 0, change=IFF_UP))


def link_arp(index: int) -> bytes:
    """Return the message that enables ARP and IPv6 neighbour discovery on a link again."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index, flags=0, change=IFF_NOARP))


def link_master(index: int, master: int) -> bytes:
    """Return the message that makes a link a port of bridge `master`, or of none (0)."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + u32(IFLA_MASTER, master))


def link_delete(index: int) -> bytes:
    """Return the message that deletes a link (with its peer, if it is a veth)."""
    return message(RTM_DELLINK, NLM_F_REQUEST, link_body(index))


def link_group(index: int, group: int) -> bytes:
    """Return the message that puts a link into a group."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + u32(_IFLA_GROUP, group))


def group_delete(group: int) -> bytes:
    """Return the message that deletes all links of a group, at the cost of deleting one."""
    return message(RTM_DELLINK, NLM_F_REQUEST, link_body(0) + u32(_IFLA_GROUP, group))


def link_dump() -> bytes:
    """Return the request for all links of the namespace."""
    return message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, link_body(0))


_ADDRESS4 = struct.Struct("=IHHIIBBBBiHH4sHH4s")
_ADDRESS6 = struct.Struct("=IHHIIBBBBiHH16sHHI")
_NODAD = 2


def address(index: int, packed: bytes, length: int, *, delete: bool = False, scope: int = 0) -> bytes:
    """Return the message that adds an address (4 or 16 bytes) with its prefix length to a link."""
    kind, flags = (RTM_DELADDR, NLM_F_REQUEST) if delete else (RTM_NEWADDR, _NEW)
    if len(packed) == 4:
        return _ADDRESS4.pack(
            _ADDRESS4.size, kind, flags, 0, 0, AF_INET, length, 0, scope, index, 8, 1, packed, 8, 2, packed
        )
    return _ADDRESS6.pack(
        _ADDRESS6.size, kind, flags, 0, 0, AF_INET6, length, _NODAD, 0, index, 20, 1, packed, 8, 8, _NODAD
    )


_ROUTE = struct.Struct("=BBBBBBBBI")


def route(
    packed: bytes, length: int, hops: list[tuple[int, bytes | None]], source: bytes | None = None, *,
    delete: bool = False,
) -> bytes:  # fmt: skip
    """Return the message for a route to a prefix over one or several (index, gateway) hops.

    Several hops are one multipath route (RTA_MULTIPATH): the kernel spreads flows over them by
    hash. An IPv6 multipath route has the same form. `source` is the preferred source address.
    """
    family = AF_INET if len(packed) == 4 else AF_INET6
    link_scope = family == AF_INET and all(gateway is None for _, gateway in hops)
    scope = 253 if link_scope else 0
    body = _ROUTE.pack(family, length, 0, 0, 254, 4, scope, 1, 0)  # RT_TABLE_MAIN, RTPROT_STATIC, unicast
    if length:
        body += attribute(1, packed)
    if source is not None:
        body += attribute(7, source)  # RTA_PREFSRC
    body += _hops(tuple(hops))
    if delete:
        return message(RTM_DELROUTE, NLM_F_REQUEST, body)
    return message(RTM_NEWROUTE, _PUT, body)


@lru_cache(maxsize=4096)
def _hops(hops: tuple[tuple[int, bytes | None], ...]) -> bytes:
    """Return the attributes of a route's next hops; many routes of a router share them."""
    if len(hops) == 1:
        index, gateway = hops[0]
        return (attribute(5, gateway) if gateway else b"") + u32(4, index)
    return attribute(9, b"".join(_hop(index, gateway) for index, gateway in hops))


def _hop(index: int, gateway: bytes | None) -> bytes:
    attributes = attribute(5, gateway) if gateway else b""
    return struct.pack("=HBBi", 8 + len(attributes), 0, 0, index) + attributes


def neighbour(index: int, packed: bytes, mac: bytes) -> bytes:
    """Return the message for a permanent neighbour: no ARP or ND is sent for it."""
    family = AF_INET if len(packed) == 4 else AF_INET6
    body = struct.pack("=BxHiHBB", family, 0, index, 0x80, 0, 0)  # NUD_PERMANENT
    return message(RTM_NEWNEIGH, _PUT, body + attribute(1, packed) + attribute(2, mac))


def neighbour_delete(index: int, packed: bytes) -> bytes:
    """Return the message that removes a permanent neighbour."""
    family = AF_INET if len(packed) == 4 else AF_INET6
    body = struct.pack("=BxHiHBB", family, 0, index, 0, 0, 0)
    return message(RTM_DELNEIGH, NLM_F_REQUEST, body + attribute(1, packed))


def link_mac(index: int, mac: bytes) -> bytes:
    """Return the message that sets a link's MAC."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + attribute(IFLA_ADDRESS, mac))


def link_mtu(index: int, mtu: int) -> bytes:
    """Return the message that sets a link's MTU, in bytes."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + u32(IFLA_MTU, mtu))
