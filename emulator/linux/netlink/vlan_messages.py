"""Netlink message for VLAN sub-interfaces, and what a dump says of one."""

from __future__ import annotations

import struct
from typing import NamedTuple

from emulator.linux.netlink.connection import NLM_F_ACK, NLM_F_REQUEST, attributes
from emulator.linux.netlink.messages import (
    IFF_UP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_NEWLINK,
    attribute,
    link_body,
    message,
    nested,
    u32,
)

KIND = b"vlan"
_IFLA_LINK, _IFLA_VLAN_ID = 5, 1
_IFINFO = struct.Struct("=4xiI")
_U16, _U32 = struct.Struct("=H"), struct.Struct("=I")


class FoundLink(NamedTuple):
    """A device of a dump: its index, whether it is up, the device below it and its VLAN id (0: none)."""

    device: int
    up: bool
    lower: int
    vlan: int


def vlan(name: bytes, index: int, lower: int, number: int) -> bytes:
    """Return the message that creates a sub-interface of the device `lower` for the VLAN `number`, down."""
    body = link_body(index) + attribute(IFLA_IFNAME, name + b"\0") + u32(_IFLA_LINK, lower)
    data = nested(IFLA_INFO_DATA, attribute(_IFLA_VLAN_ID, _U16.pack(number)))
    info = attribute(IFLA_INFO_KIND, KIND) + data
    return message(
        RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, body + nested(IFLA_LINKINFO, info)
    )


def read_link(body: bytes) -> tuple[str, FoundLink]:
    """Return the name and the facts of an RTM_NEWLINK of a dump."""
    index, flags = _IFINFO.unpack_from(body)
    about = dict(attributes(body, 16))
    info = dict(attributes(about.get(IFLA_LINKINFO, b"")))
    number = 0
    if info.get(IFLA_INFO_KIND, b"").rstrip(b"\0") == KIND:
        data = dict(attributes(info.get(IFLA_INFO_DATA, b"")))
        number = _U16.unpack_from(data.get(_IFLA_VLAN_ID, b"\0\0"))[0]
    lower = _U32.unpack(about[_IFLA_LINK])[0] if _IFLA_LINK in about else 0
    return about[IFLA_IFNAME].rstrip(b"\0").decode(), FoundLink(index, bool(flags & IFF_UP), lower, number)
