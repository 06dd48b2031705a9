"""Raw sockets that send frames from ports, opened at first use, and again when the node was created again."""

from __future__ import annotations

import errno
import socket
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from emulator.tasks import Nodes

_IDLE = 1.0
"""Seconds after which a socket that isn't used is closed."""
_GONE = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOENT)

_Key = tuple[int, str]
"""A node and the interface that the frame leaves by."""


@dataclass(slots=True)
class _Sender:
    socket: socket.socket
    used: float
    """Time of the last use, on the monotonic clock."""


class FrameSenders:
    """Task that sends frames on request.

    A socket is closed after a second without use. It would keep the namespace of a removed node in the
    kernel, a third of a MiB. Opening it again costs a tenth of a millisecond.
    """

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        del arguments
        self._nodes = nodes
        self._open: OrderedDict[_Key, _Sender] = OrderedDict()

    def ask(self, request: dict[str, Any]) -> bool:
        """Send `frame` (hexadecimal) `times` times by `interface` of `node`; False where that isn't up."""
        key, times = (request["node"], request["interface"]), request["times"]
        frame = bytes.fromhex(request["frame"])
        self._close_idle()
        if key in self._open:
            try:
                self._send(key, frame, times)
            except OSError:
                self._open.pop(key).socket.close()
            else:
                return True
        try:
            self._bind(key)
            self._send(key, frame, times)
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise
        return True

    def stop(self) -> None:
        """Close all sockets."""
        for each in self._open.values():
            each.socket.close()
        self._open.clear()

    def _bind(self, key: _Key) -> None:
        node, interface = key
        sock = self._nodes.open_socket(node, socket.AF_PACKET, socket.SOCK_RAW)
        try:
            sock.bind((interface, 0))
        except BaseException:
            sock.close()
            raise
        self._open[key] = _Sender(sock, time.monotonic())

    def _send(self, key: _Key, frame: bytes, times: int) -> None:
        sender = self._open[key]
        for _ in range(times):
            sender.socket.send(frame)
        sender.used = time.monotonic()
        self._open.move_to_end(key)

    def _close_idle(self) -> None:
        """Close the sockets that are idle: the first ones, as each use moves a socket to the end."""
        oldest = time.monotonic() - _IDLE
        while self._open and (key := next(iter(self._open))) and self._open[key].used < oldest:
            self._open.pop(key).socket.close()
