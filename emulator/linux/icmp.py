"""ICMP echo from inside namespaces, many requests at once, in one thread (RFC 792, RFC 4443).

A raw socket belongs to the namespace where it was opened. It stays usable after the thread leaves.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import NamedTuple

from emulator.access import Echo
from emulator.icmp import echo_request, listen_for_replies, protocol, reply_of
from emulator.linux.namespaces.store import NamespaceStore
from emulator.probe_schedule import ProbeSchedule
from emulator.probe_window import Limits, ProbeWindow

AT_ONCE = 512
"""Maximum of outstanding requests, and of open sockets."""
_DELIVERIES = 300_000
"""Maximum of undelivered ARP broadcasts: a slow processor delivers them in a third of a second."""
_LEAST = 16
"""Minimum of the window in requests: 4,000 unanswered requests take a minute at worst."""
_CAREFUL = 16
"""Initial window in requests where a controller handles first packets."""
_SENDS = 8
"""Requests between two reads of answers: a system call for each would cost more than sending."""
_IP_PKTINFO = 8
_PKTINFO = struct.Struct("=i4s4x")
"""`struct in_pktinfo` of ip(7): interface (0: any), source address, an unused one."""
_LATE, _LONGEST = 0.35, 1.0
"""Seconds until an answer is late, and longest time of a request in the window; link delays are added."""
_LATE_ASKED, _LONGEST_ASKED = 1.0, 2.0
"""The same with a controller: it and its switches spend less per packet on batches."""

_Key = tuple[str, int, int]
"""(namespace, node or -1, IP version): each has a socket of its own; light nodes of a namespace share one."""


class Source(NamedTuple):
    """Where a node sends from: the file of its namespace, and the address of a light node (4 bytes)."""

    file: str
    address: bytes = b""


def _open_socket(version: int) -> socket.socket:
    family, number = protocol(version)
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, number)
    listen_for_replies(sock)
    return sock


def at_once(largest_segment: int) -> int:
    """Return the number of requests allowed at a time when a broadcast reaches this many link ends.

    A bridge forwards each ARP request to all of them. Requests beyond what it can deliver within the
    timeout would all be late, and then be sent again.
    """
    return min(AT_ONCE, max(8, _DELIVERIES // max(largest_segment, 1)))


def limits(largest_segment: int, delay: float = 0.0, *, controllers: bool = False) -> Limits:
    """Return the limits of the window of a network.

    `largest_segment` is in link ends. `delay` is the delay that links add to an answer, in seconds. With
    `controllers`, switches send first packets of a flow to one.
    """
    most = at_once(largest_segment)
    start = min(_CAREFUL, most) if controllers else most
    late, longest = (_LATE_ASKED, _LONGEST_ASKED) if controllers else (_LATE, _LONGEST)
    return Limits(start, min(start, max(_LEAST, most // 4)), most, late + delay, longest + delay)


_idents = count(int.from_bytes(os.urandom(2)))
"""ICMP identifiers, one per Pinger: late answers to an earlier Pinger don't match."""


class Pinger:
    """Sends echo requests from many namespaces and collects the answers."""

    def __init__(
        self, echoes: Sequence[Echo], timeout: float, limits: Limits, source_of: Callable[[int], Source]
    ) -> None:
        """Prepare to send `echoes` in order, as quickly as answers arrive, each from `source_of(node)`."""
        sources = {echo.source: source_of(echo.source) for echo in echoes}
        self._sources = [sources[echo.source] for echo in echoes]
        self._keys = [
            (source.file, -1 if source.address else echo.source, 6 if ":" in echo.target else 4)
            for echo, source in zip(echoes, self._sources, strict=True)
        ]
        self._echoes = echoes
        self._schedule = ProbeSchedule([echo.expected for echo in echoes], timeout, ProbeWindow(limits))
        self._ident = next(_idents) & 0xFFFF
        self._poll = select.epoll()
        self._sockets: dict[_Key, socket.socket] = {}
        self._key_of: dict[int, _Key] = {}
        self._open: dict[_Key, dict[int, int]] = {}
        """Outstanding requests of each socket, by sequence number."""

    def run(self, store: NamespaceStore) -> list[float | None]:
        """Send all requests. Call inside `store.entered()`."""
        schedule = self._schedule
        try:
            while True:
                for sent, number in enumerate(schedule.due(time.monotonic, self._may_send), 1):
                    self._send(number, store)
                    if sent % _SENDS == 0:
                        self._collect(0.0)
                if schedule.done:
                    break
                self._collect(min(1.0, max(0.0, schedule.wake() - time.monotonic())))
        finally:
            self._poll.close()
            for sock in self._sockets.values():
                sock.close()
        return schedule.times

    def _may_send(self, number: int) -> bool:
        """Return whether the request's socket is open or can be opened; idle sockets are closed for it."""
        if self._keys[number] in self._sockets or len(self._sockets) < AT_ONCE:
            return True
        for key in [key for key, numbers in self._open.items() if not numbers]:
            self._close(key)
        return len(self._sockets) < AT_ONCE

    def _close(self, key: _Key) -> None:
        sock = self._sockets.pop(key)
        self._open.pop(key)
        self._key_of.pop(sock.fileno())
        self._poll.unregister(sock)
        sock.close()

    def _socket(self, key: _Key, store: NamespaceStore) -> socket.socket:
        if key not in self._sockets:
            store.go(key[0])
            sock = _open_socket(key[2])
            self._sockets[key] = sock
            self._open[key] = {}
            self._key_of[sock.fileno()] = key
            self._poll.register(sock, select.EPOLLIN)
        return self._sockets[key]

    def _send(self, number: int, store: NamespaceStore) -> None:
        key = self._keys[number]
        try:
            sock = self._socket(key, store)
        except FileNotFoundError:  # the node is gone: no request, so no answer
            return
        self._open[key][number & 0xFFFF] = number
        request = echo_request(key[2], self._ident, number & 0xFFFF)
        target, address = (self._echoes[number].target, 0), self._sources[number].address
        with suppress(OSError):  # no route, or a full queue: no answer, and it is sent again
            if address:
                sock.sendmsg([request], [(socket.SOL_IP, _IP_PKTINFO, _PKTINFO.pack(0, address))], 0, target)
            else:
                sock.sendto(request, target)

    def _is_for(self, number: int, packet: bytes) -> bool:
        """Return whether an answer came to the address that was the source: light nodes share a socket."""
        return packet[16:20] == self._sources[number].address or not self._sources[number].address

    def _collect(self, wait: float) -> None:
        """Read all answers that arrive within `wait` seconds."""
        for descriptor, _event in self._poll.poll(wait, AT_ONCE):
            key = self._key_of[descriptor]
            sock, numbers = self._sockets[key], self._open[key]
            while True:
                try:
                    packet = sock.recv(2048)
                except OSError:
                    break
                seq = reply_of(key[2], packet, self._ident)
                number = numbers.get(seq) if seq is not None else None
                if number is not None and self._is_for(number, packet):
                    self._schedule.heard(number, time.monotonic())
        for number in self._schedule.pop_settled():
            self._open.get(self._keys[number], {}).pop(number & 0xFFFF, None)
