"""What interfaces there are in a namespace, by name."""

from __future__ import annotations

import struct
from typing import NamedTuple

from emulator.linux import messages
from emulator.linux.netlink import Netlink

_INFO = struct.Struct("=4xiII")
_ATTRIBUTE = struct.Struct("=HH")


class Interface(NamedTuple):
    """An interface's flags (IFF_UP and others), and whether it is a port of a bridge."""

    flags: int
    joined: bool


def interfaces_here() -> dict[str, Interface]:
    """Return the interfaces of this thread's namespace, by name."""
    with Netlink() as netlink:
        found = netlink.dump(messages.link_dump())
    return dict(_interface(body) for _, body in found)


def _interface(body: bytes) -> tuple[str, Interface]:
    at, name, joined = _INFO.size, "", False
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if kind == messages.IFLA_IFNAME:
            name = body[at + _ATTRIBUTE.size : at + length].rstrip(b"\0").decode()
        joined = joined or kind == messages.IFLA_MASTER
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return name, Interface(_INFO.unpack_from(body)[1], joined)
