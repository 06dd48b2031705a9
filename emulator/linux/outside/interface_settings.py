"""Settings of an interface that the kernel forgets when it changes its namespace: read, kept and given back.

These are its addresses, its routes and its sysctls; and that it was up. Addresses and routes are kept as the
kernel told them (include/uapi/linux/{if_addr,rtnetlink}.h), so that attributes unknown here come back too.
What the kernel makes by itself (link-local addresses of a known kind, routes of an address, local and
broadcast routes) isn't kept. Neighbours, and queues that somebody set by tc, aren't either.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from emulator.errors import KernelError
from emulator.linux.netlink import dumps, messages
from emulator.linux.netlink.connection import NLM_F_ACK, NLM_F_REQUEST, Batch, Netlink, attributes
from emulator.linux.observed import parse
from emulator.linux.observed.parse import FoundInterface

_ADDRESS, _ROUTE = struct.Struct("=BBBBi"), struct.Struct("=BBBBBBBBI")
_RTA_OIF, _RTA_GATEWAY, _RTA_VIA = 4, 5, 18
_UNICAST, _BY_KERNEL, _CLONED = 1, 2, 0x200
_NEW = NLM_F_REQUEST | NLM_F_ACK | messages.NLM_F_CREATE | messages.NLM_F_EXCL
_SYSCTLS = ("ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh")
_INDEX = struct.Struct("=i")


@dataclass(frozen=True)
class InterfaceSettings:
    """Settings of an interface: its index, MAC, MTU in bytes, whether it was up.

    `addresses` and `routes` are bodies of netlink messages in hexadecimal, `sysctls` (path below
    /proc/sys/net, value).
    """

    index: int
    mac: str
    mtu: int
    up: bool
    addresses: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()


def interfaces_of(netlink: Netlink) -> dict[str, FoundInterface]:
    """Return the interfaces of the socket's namespace by name."""
    return dict(parse.interface(body) for _, body in netlink.dump(dumps.LINKS))


def read_settings(netlink: Netlink, name: str, found: FoundInterface) -> InterfaceSettings:
    """Return the settings of the interface `name`, in this thread's namespace."""
    addresses = [
        body for _, body in netlink.dump(dumps.ADDRESSES) if _ADDRESS.unpack_from(body)[4] == found.ifindex
    ]
    routes = [
        body for request in dumps.ROUTES.values() for _, body in netlink.dump(request)
        if _is_kept(body, found.ifindex)
    ]  # fmt: skip
    routes.sort(key=_has_gateway)
    return InterfaceSettings(
        found.ifindex, found.mac.hex(":"), found.mtu, found.up, tuple(body.hex() for body in addresses),
        tuple(body.hex() for body in routes), tuple(_sysctls(name)),
    )  # fmt: skip


def put_settings(netlink: Netlink, name: str, found: FoundInterface, wanted: InterfaceSettings) -> None:
    """Lead the interface `name` of this thread's namespace back to its settings, as far as the kernel can.

    What it refuses (an address that is taken by now, a gateway that isn't reached any more) stays away: the
    machine has changed meanwhile, and the rest must come back.
    """
    mac = bytes.fromhex(wanted.mac.replace(":", ""))
    if mac != found.mac:
        _try(netlink, messages.link_mac(found.ifindex, mac), name)
    if wanted.mtu != found.mtu:
        _try(netlink, messages.link_mtu(found.ifindex, wanted.mtu), name)
    now = dict(_sysctls(name))
    for path, value in wanted.sysctls:
        if now.get(path) != value:
            with suppress(OSError, ValueError):
                _write(path, value)
    _try(netlink, messages.link_up(found.ifindex, up=wanted.up), name)
    for text in wanted.addresses:
        body = bytearray.fromhex(text)
        _INDEX.pack_into(body, 4, found.ifindex)
        _try(netlink, messages.message(messages.RTM_NEWADDR, _NEW, bytes(body)), name)
    for text in wanted.routes:
        route = _by_interface(bytes.fromhex(text), found.ifindex)
        _try(netlink, messages.message(messages.RTM_NEWROUTE, _NEW, route), name)


def _try(netlink: Netlink, message: bytes, name: str) -> None:
    batch = Batch()
    batch.add(message, "give back a setting of", name)
    with suppress(KernelError):
        netlink.run(batch)


def _is_kept(body: bytes, index: int) -> bool:
    """Return whether a route leads by the interface, and isn't one that the kernel makes by itself."""
    *_, protocol, _, kind, flags = _ROUTE.unpack_from(body)
    if kind != _UNICAST or protocol == _BY_KERNEL or flags & _CLONED:
        return False
    return any(
        number == _RTA_OIF and _INDEX.unpack(value)[0] == index
        for number, value in attributes(body, _ROUTE.size)
    )


def _has_gateway(body: bytes) -> bool:
    """Return whether another route must be there first, by which the gateway is reached."""
    return any(number in {_RTA_GATEWAY, _RTA_VIA} for number, _ in attributes(body, _ROUTE.size))


def _by_interface(body: bytes, index: int) -> bytes:
    """Return a route by the interface with another index."""
    parts = [
        messages.attribute(number, _INDEX.pack(index) if number == _RTA_OIF else value)
        for number, value in attributes(body, _ROUTE.size)
    ]
    return body[: _ROUTE.size] + b"".join(parts)


def _sysctls(name: str) -> Iterator[tuple[str, str]]:
    """Yield the interface's sysctls: (path below /proc/sys/net, value)."""
    for folder in _SYSCTLS:
        with suppress(OSError):  # a kernel without IPv6
            for file in sorted(os.listdir(f"/proc/sys/net/{folder}/{name}")):
                path = f"{folder}/{name}/{file}"
                with suppress(OSError, ValueError):  # some can only be written, or have no value yet
                    yield path, _read(path)


def _read(path: str) -> str:
    with open(f"/proc/sys/net/{path}", encoding="ascii") as file:
        return file.read().strip()


def _write(path: str, value: str) -> None:
    with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
        file.write(value)
