"""Counters of ports, read inside their nodes by one rtnetlink request each (rtnetlink(7)), or from memory.

That needs no process. A node that was removed gets a new socket.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any

from emulator.errors import EmulationError
from emulator.tasks import Nodes
from stress.metrics.figure_units import COUNTERS

_HEAD = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_RTM_NEWLINK, _RTM_GETLINK, _NLMSG_ERROR, _NLM_F_REQUEST = 16, 18, 2, 1
_IFLA_IFNAME, _IFLA_STATS64 = 3, 23
_STATS = struct.Struct(f"={len(COUNTERS)}Q")
_PATIENCE = 0.2
_OF_LIGHT = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "rx_dropped")
"""Names for `emulator.tasks.PORT_COUNTERS` of a light port."""


class PortCounters:
    """Task that reads the counters of `ports`, a list of [node, interface], on request."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        self._nodes = nodes
        self._sockets: dict[int, socket.socket] = {}
        self._light = nodes.light_ports()
        first = len(nodes.names) - (len(self._light.vpcs()) if self._light is not None else 0)
        self._rows = {name: node - first for node, name in arguments["ports"] if node >= first}
        self._requests = [(node, name, request(name)) for node, name in arguments["ports"] if node < first]

    def ask(self, request: None = None) -> dict[str, dict[str, int]]:
        """Return interface -> counter -> number, since the port was made; nothing of ports that are gone."""
        del request
        found = {}
        for node, name, message in self._requests:
            try:
                found[name] = self._numbers(node, message)
            except (OSError, EmulationError):
                self._forget(node)
        if self._light is not None:
            for name, row in self._rows.items():
                numbers = self._light.counters(row, row + 1)[0].tolist()
                found[name] = dict(zip(_OF_LIGHT, numbers, strict=True))
        return found

    def stop(self) -> None:
        """Close the sockets, and the light ports."""
        for node in list(self._sockets):
            self._forget(node)
        if self._light is not None:
            self._light.close()
            self._light = None

    def _numbers(self, node: int, message: bytes) -> dict[str, int]:
        sock = self._sockets.get(node)
        if sock is None:
            sock = self._nodes.open_socket(node, socket.AF_NETLINK, socket.SOCK_RAW)
            sock.settimeout(_PATIENCE)
            self._sockets[node] = sock
        sock.send(message)
        return answer(sock.recv(1 << 16))

    def _forget(self, node: int) -> None:
        sock = self._sockets.pop(node, None)
        if sock is not None:
            with suppress(OSError):
                sock.close()


def request(name: str) -> bytes:
    """Return the request for the interface `name`."""
    text = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(text), _IFLA_IFNAME) + text + bytes(-len(text) % 4)
    length = _HEAD.size + _LINK.size + len(attribute)
    return _HEAD.pack(length, _RTM_GETLINK, _NLM_F_REQUEST, 1, 0) + _LINK.pack(0, 0, 0, 0, 0) + attribute


def answer(message: bytes) -> dict[str, int]:
    """Return the counters in an answer; OSError when it is an error."""
    length, kind, _flags, _number, _port = _HEAD.unpack_from(message)
    if kind == _NLMSG_ERROR:
        code = -struct.unpack_from("=i", message, _HEAD.size)[0]
        raise OSError(code, "no such port")
    at = _HEAD.size + _LINK.size
    while kind == _RTM_NEWLINK and at + 4 <= length:
        size, attribute = struct.unpack_from("=HH", message, at)
        if attribute == _IFLA_STATS64:
            return dict(zip(COUNTERS, _STATS.unpack_from(message, at + 4), strict=True))
        at += max(4, (size + 3) & ~3)
    return {}
