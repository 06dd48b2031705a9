"""ICMP echo from inside namespaces, hundreds of questions at once, in one thread (RFC 792, RFC 4443).

A raw socket belongs to the namespace it was opened in: open it inside, leave, and keep using it.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Sequence

from emulator.linux.namespaces import NamespaceStore
from emulator.network import Echo

_ECHO = struct.Struct("!BBHHH")
_ICMP_FILTER = 1
_ICMP6_FILTER = 1
_AT_ONCE = 512
_RETRIES = (0.0, 0.35, 0.7)
"""When to ask (again), as shares of the timeout."""


def checksum(data: bytes) -> int:
    """Return the internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)


def echo_request(version: int, ident: int, seq: int) -> bytes:
    """Return an echo request; the kernel fills in the checksum of ICMPv6."""
    kind = 8 if version == 4 else 128
    body = _ECHO.pack(kind, 0, 0, ident, seq) + b"emulator-check--"
    return body if version == 6 else body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def reply_of(version: int, packet: bytes, ident: int) -> int | None:
    """Return the sequence number of an echo reply to `ident`, or None for anything else."""
    at = (packet[0] & 15) * 4 if version == 4 else 0
    if len(packet) < at + _ECHO.size:
        return None
    kind, _code, _sum, number, seq = _ECHO.unpack_from(packet, at)
    return seq if kind == (0 if version == 4 else 129) and number == ident else None


def _open_socket(version: int) -> socket.socket:
    if version == 4:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
        sock.setsockopt(socket.SOL_RAW if hasattr(socket, "SOL_RAW") else 255, _ICMP_FILTER,
                        struct.pack("=I", 0xFFFFFFFF & ~1))  # fmt: skip
        return sock
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
    pass_only = [0xFFFFFFFF] * 8
    pass_only[129 >> 5] &= ~(1 << (129 & 31))
    sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *pass_only))
    return sock


class Pinger:
    """Asks questions from many namespaces and collects the answers."""

    def __init__(self, echoes: Sequence[Echo], timeout: float) -> None:
        self._echoes = echoes
        self._timeout = timeout
        self._ident = os.getpid() & 0xFFFF
        self._sent: dict[int, float] = {}
        self.times: list[float | None] = [None] * len(echoes)

    def run(self, store: NamespaceStore, names: Sequence[str]) -> list[float | None]:
        """Ask everything; `names[node]` is the node's namespace. Call inside `store.entered()`."""
        keys = [(echo.source, 6 if ":" in echo.target else 4) for echo in self._echoes]
        by_socket: dict[tuple[int, int], list[int]] = {}
        for number, key in enumerate(keys):
            by_socket.setdefault(key, []).append(number)
        groups = list(by_socket.items())
        for start in range(0, len(groups), _AT_ONCE):
            self._ask(dict(groups[start : start + _AT_ONCE]), store, names)
        return self.times

    def _ask(
        self, group: dict[tuple[int, int], list[int]], store: NamespaceStore, names: Sequence[str]
    ) -> None:
        """Ask the questions of up to 512 sockets and wait for their answers."""
        poll = select.epoll()
        sockets: dict[int, tuple[socket.socket, int, list[int]]] = {}
        try:
            for (source, version), numbers in group.items():
                store.go(names[source])
                sock = _open_socket(version)
                sockets[sock.fileno()] = (sock, version, numbers)
                poll.register(sock, select.EPOLLIN)
            self._converse(poll, sockets)
        finally:
            poll.close()
            for sock, _version, _numbers in sockets.values():
                sock.close()

    def _converse(self, poll: select.epoll, sockets: dict[int, tuple[socket.socket, int, list[int]]]) -> None:
        begin = time.monotonic()
        open_questions = sum(len(numbers) for _, _, numbers in sockets.values())
        for share, until in zip(_RETRIES, (*_RETRIES[1:], 1.0), strict=True):
            del share
            for sock, version, numbers in sockets.values():
                self._send(sock, version, [n for n in numbers if self.times[n] is None])
                open_questions -= self._collect(poll, sockets, 0.0)
            while open_questions:
                left = begin + until * self._timeout - time.monotonic()
                if left <= 0:
                    break
                open_questions -= self._collect(poll, sockets, left)
            if not open_questions:
                return

    def _send(self, sock: socket.socket, version: int, numbers: list[int]) -> None:
        for at, number in enumerate(numbers):
            self._sent.setdefault(number, time.monotonic())
            request = echo_request(version, self._ident, number & 0xFFFF)
            try:
                sock.sendto(request, (self._echoes[number].target, 0))
            except OSError:  # no route, a full queue: no answer, and the next round asks again
                continue
            if at % 64 == 63:
                time.sleep(0)

    def _collect(
        self, poll: select.epoll, sockets: dict[int, tuple[socket.socket, int, list[int]]], wait: float
    ) -> int:
        """Read what has arrived and return how many questions were answered for the first time."""
        answered = 0
        for descriptor, _event in poll.poll(wait):
            sock, version, numbers = sockets[descriptor]
            by_seq = {number & 0xFFFF: number for number in numbers}
            while True:
                try:
                    packet = sock.recv(2048)
                except OSError:
                    break
                seq = reply_of(version, packet, self._ident)
                number = by_seq.get(seq) if seq is not None else None
                if number is not None and self.times[number] is None:
                    self.times[number] = time.monotonic() - self._sent[number]
                    answered += 1
        return answered
