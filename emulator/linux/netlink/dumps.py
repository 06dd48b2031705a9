"""Requests for the kernel's lists, and `Dumps`, which asks for each list of a namespace only once."""

from __future__ import annotations

import struct
from typing import Protocol

from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import NLM_F_DUMP, NLM_F_REQUEST

_RTM_GETADDR, _RTM_GETROUTE, _RTM_GETNEIGH, _RTM_GETRULE = 22, 26, 30, 34
_RTM_GETQDISC, _RTM_GETNETCONF = 38, 82
_IFLA_EXT_MASK, _SKIP_STATISTICS = 29, 8
_DUMP = NLM_F_REQUEST | NLM_F_DUMP
_FAMILIES = (messages.AF_INET, messages.AF_INET6)


def of_family(kind: int, family: int, size: int) -> bytes:
    """Return the request for a list of one family, with a header of `size` bytes."""
    return messages.message(kind, _DUMP, struct.pack("=B", family) + bytes(size - 1))


LINKS = messages.message(
    messages.RTM_GETLINK, _DUMP, messages.link_body(0) + messages.u32(_IFLA_EXT_MASK, _SKIP_STATISTICS)
)
ADDRESSES = messages.message(_RTM_GETADDR, _DUMP, bytes(8))
QUEUES = messages.message(_RTM_GETQDISC, _DUMP, bytes(20))
NEIGHBOURS = of_family(_RTM_GETNEIGH, 0, 12)
"""Of all families."""
ROUTES = {family: of_family(_RTM_GETROUTE, family, 12) for family in _FAMILIES}
RULES = {family: of_family(_RTM_GETRULE, family, 12) for family in _FAMILIES}
FORWARDS = {family: of_family(_RTM_GETNETCONF, family, 4) for family in _FAMILIES}


class Dumping(Protocol):
    """What answers dump requests: a socket, or `Dumps`."""

    def dump(self, message: bytes) -> list[tuple[int, bytes]]:
        """Return (message type, body) of each answer; KernelError when the kernel refuses."""
        ...


class Dumps:
    """Lists of the namespace of `netlink`, for several readers: each is requested once."""

    def __init__(self, netlink: Dumping) -> None:
        self._netlink = netlink
        self._known: dict[bytes, list[tuple[int, bytes]]] = {}

    def dump(self, message: bytes) -> list[tuple[int, bytes]]:
        """Return the answers to `message`."""
        if message not in self._known:
            self._known[message] = self._netlink.dump(message)
        return self._known[message]
