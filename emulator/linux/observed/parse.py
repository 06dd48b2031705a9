"""Parse netlink answers about links, addresses, routes, neighbours and queues into plain values.

Formats: include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour,netconf,pkt_sched}.h.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.netlink.connection import attributes
from emulator.linux.netlink.qdisc import ROOT, netem_parameters
from emulator.linux.netlink.tunnel_messages import Tunnel, tunnel_of

Hops = frozenset[tuple[int, bytes | None]]
"""Next hops: (index of the interface, gateway or None)."""

Queue = tuple[str | int, ...]
"""Queueing discipline: its kind, and the parameters that depend on a shape."""

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_QUEUE = struct.Struct("=BxxxiIII")
_NEXTHOP = struct.Struct("=HBBi")
_INT = struct.Struct("=i")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")
_RATE = struct.Struct("=8xI")
_LIMIT = struct.Struct("=24xI")

_IFLA_LINK = 5
_MAIN, _UNICAST, _BY_KERNEL, _CLONED = 254, 1, 2, 0x200
_PERMANENT = 0x80
ALL = -1
RULE = struct.Struct("=BBBBBxxBI")
"""struct fib_rule_hdr (include/uapi/linux/fib_rules.h)."""
TO_TABLE, FRA_PRIORITY, FRA_TABLE = 1, 6, 15
_OF_PLAIN_RULES = {FRA_PRIORITY, FRA_TABLE, 13, 14, 20, 21}  # then suppressed prefixes, padding, protocol


class FoundInterface(NamedTuple):
    """Interface. `master` and `peer` are interface indices, 0 for none; `kind` is for example "veth".

    `options` are those of a bridge, `port` those of a bridge port (see `bridge_messages`). An interface is
    `running` while both ends are up. `tunnel` is that of a VXLAN device.
    """

    ifindex: int
    mac: bytes
    mtu: int
    up: bool
    master: int
    peer: int
    kind: str
    options: tuple[int, ...] = ()
    port: tuple[int, ...] = ()
    running: bool = False
    arp: bool = True
    tunnel: Tunnel | None = None


class FoundRoute(NamedTuple):
    """Unicast route of the main table; `by_kernel` if the kernel added it with an address."""

    prefix: bytes
    length: int
    hops: Hops
    source: bytes | None
    by_kernel: bool


@dataclass
class Found:
    """State of one namespace: interfaces by name, the rest by interface index or prefix.

    `addresses` are (index, packed, prefix length). `connected` are the kernel's own routes as (prefix,
    length, index). `neighbours` are the permanent ones.
    """

    interfaces: dict[str, FoundInterface] = field(default_factory=dict)
    addresses: set[tuple[int, bytes, int]] = field(default_factory=set)
    connected: set[tuple[bytes, int, int]] = field(default_factory=set)
    routes: dict[tuple[bytes, int], list[FoundRoute]] = field(default_factory=dict)
    neighbours: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    queues: dict[int, frozenset[Queue]] = field(default_factory=dict)
    forwards: dict[int, bool] = field(default_factory=dict)
    """Address family -> True if packets are forwarded between interfaces."""
    not_forwarding: dict[int, set[int]] = field(default_factory=dict)
    """Address family -> indices of the interfaces without forwarding."""
    rules: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    """Address family -> (priority, table) of the rules that send all packets to a table."""


def interface(body: bytes) -> tuple[str, FoundInterface]:
    """Return name and properties of the interface that an RTM_NEWLINK describes."""
    _, _, index, flags, _ = _LINK.unpack_from(body)
    name, mac, mtu, master, peer = "", b"", 0, 0, 0
    info: dict[int, bytes] = {}
    for number, value in attributes(body, _LINK.size):
        if number == messages.IFLA_IFNAME:
            name = value.rstrip(b"\0").decode("utf-8", "replace")
        elif number == messages.IFLA_ADDRESS:
            mac = value
        elif number == messages.IFLA_MTU:
            mtu = _U32.unpack(value)[0]
        elif number == messages.IFLA_MASTER:
            master = _U32.unpack(value)[0]
        elif number == _IFLA_LINK:
            peer = _U32.unpack(value)[0]
        elif number == messages.IFLA_LINKINFO:
            info = dict(attributes(value))
    kind, data = info.get(messages.IFLA_INFO_KIND, b"").rstrip(b"\0"), info.get(messages.IFLA_INFO_DATA, b"")
    port: tuple[int, ...] = ()
    if info.get(bridge_messages.IFLA_INFO_SLAVE_KIND, b"").startswith(b"bridge"):
        port = _options(info.get(bridge_messages.IFLA_INFO_SLAVE_DATA, b""), bridge_messages.PORT_OPTIONS)
    return name, FoundInterface(
        index, mac, mtu, bool(flags & messages.IFF_UP), master, peer, kind.decode("utf-8", "replace"),
        _options(data, bridge_messages.BRIDGE_OPTIONS) if kind == b"bridge" else (), port,
        bool(flags & messages.IFF_RUNNING), not flags & messages.IFF_NOARP,
        tunnel_of(data) if kind == b"vxlan" else None,
    )  # fmt: skip


def _options(data: bytes, numbers: Mapping[str, int]) -> tuple[int, ...]:
    """Return the values of the attributes with these numbers; UNKNOWN for those that this kernel lacks."""
    found = dict(attributes(data))
    return tuple(
        int.from_bytes(found[number], sys.byteorder) if number in found else bridge_messages.UNKNOWN
        for number in numbers.values()
    )


def address(body: bytes) -> tuple[int, bytes, int]:
    """Return (interface index, packed address, prefix length) of an RTM_NEWADDR."""
    _, length, _, _, index = _ADDRESS.unpack_from(body)
    found = dict(attributes(body, _ADDRESS.size))
    return index, found.get(2) or found.get(1, b""), length  # IFA_LOCAL: IPv4, and IPv6 with a peer


def route(body: bytes) -> FoundRoute | None:
    """Return the route that an RTM_NEWROUTE describes; None unless it is unicast in the main table."""
    family, length, _, _, table, protocol, _, kind, flags = _ROUTE.unpack_from(body)
    if table != _MAIN or kind != _UNICAST or flags & _CLONED:
        return None
    found = dict(attributes(body, _ROUTE.size))
    prefix = found.get(1, bytes(4 if family == messages.AF_INET else 16))
    if 9 in found:  # RTA_MULTIPATH
        hops = frozenset(_nexthops(found[9]))
    else:
        hops = frozenset({(_U32.unpack(found[4])[0] if 4 in found else 0, found.get(5))})
    return FoundRoute(prefix, length, hops, found.get(7), protocol == _BY_KERNEL)


def _nexthops(data: bytes) -> Iterator[tuple[int, bytes | None]]:
    at = 0
    while at + _NEXTHOP.size <= len(data):
        size, _, _, index = _NEXTHOP.unpack_from(data, at)
        if size < _NEXTHOP.size:
            return
        yield index, dict(attributes(data[at + _NEXTHOP.size : at + size])).get(5)
        at += (size + 3) & ~3


def neighbour(body: bytes) -> tuple[tuple[int, bytes], bytes] | None:
    """Return ((interface index, packed address), MAC) of a permanent neighbour; None for any other."""
    _, index, state, _, _ = _NEIGHBOUR.unpack_from(body)
    if not state & _PERMANENT:
        return None
    found = dict(attributes(body, _NEIGHBOUR.size))
    return (index, found.get(1, b"")), found.get(2, b"")


def queue(body: bytes) -> tuple[int, Queue] | None:
    """Return interface index and queue of an RTM_NEWQDISC; None for the kernel's own default (handle 0).

    The child queue of a token bucket isn't returned, because the bucket's limit defines it.
    """
    _, index, handle, parent, _ = _QUEUE.unpack_from(body)
    found = dict(attributes(body, _QUEUE.size))
    kind = found.get(1, b"").rstrip(b"\0").decode("utf-8", "replace")
    options = found.get(2, b"")
    if not handle or (parent != ROOT and kind != "netem"):
        return None
    if kind == "tbf":
        parts = dict(attributes(options))
        rate = _RATE.unpack_from(parts[1])[0] if 4 not in parts else _U64.unpack(parts[4])[0]
        return index, (kind, rate, _LIMIT.unpack_from(parts[1])[0])
    if kind == "netem":
        return index, (kind, *netem_parameters(options))
    if kind == "pfifo":
        return index, (kind, _U32.unpack_from(options)[0])
    return index, (kind,)


def forwards(body: bytes) -> tuple[int, bool] | None:
    """Return (interface index, forwarding enabled) of an RTM_NEWNETCONF; index `ALL` means all."""
    found = dict(attributes(body, 4))
    return (_INT.unpack(found[1])[0], bool(_INT.unpack(found[2])[0])) if 2 in found else None


def rule(body: bytes) -> tuple[int, int] | None:
    """Return (priority, table) of an RTM_NEWRULE that sends all packets to a table; None for any other."""
    _, to, source, tos, table, action, _ = RULE.unpack_from(body)
    found = dict(attributes(body, RULE.size))
    if action != TO_TABLE or to or source or tos or not found.keys() <= _OF_PLAIN_RULES:
        return None
    priority = _U32.unpack(found[FRA_PRIORITY])[0] if FRA_PRIORITY in found else 0
    return priority, _U32.unpack(found[FRA_TABLE])[0] if FRA_TABLE in found else table
