"""What interfaces there are in a namespace, by name."""

from __future__ import annotations

import struct

from emulator.linux import messages
from emulator.linux.netlink import Netlink

_INFO = struct.Struct("=4xiII")
_ATTRIBUTE = struct.Struct("=HH")


def flags_here() -> dict[str, int]:
    """Return the flags (IFF_UP and others) of the interfaces of this thread's namespace, by name."""
    with Netlink() as netlink:
        found = netlink.dump(messages.link_dump())
    return {_name(body): _INFO.unpack_from(body)[1] for _, body in found}


def _name(body: bytes) -> str:
    at = _INFO.size
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if kind == messages.IFLA_IFNAME:
            return body[at + _ATTRIBUTE.size : at + length].rstrip(b"\0").decode()
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return ""
