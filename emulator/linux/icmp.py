"""ICMP echo from inside namespaces, hundreds of questions at once, in one thread (RFC 792, RFC 4443).

A raw socket belongs to the namespace it was opened in: open it inside, leave, and keep using it.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from itertools import count

from emulator.icmp import echo_request, listen_for_replies, protocol, reply_of
from emulator.linux.namespaces import NamespaceStore
from emulator.network import Echo

AT_ONCE = 512
_DELIVERIES = 300_000
"""ARP broadcasts that may wait to be delivered: what a slow processor does in a third of a second."""

_RETRIES = (0.0, 0.35, 0.7)
"""When to ask (again), as shares of the timeout."""


def _open_socket(version: int) -> socket.socket:
    family, number = protocol(version)
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, number)
    listen_for_replies(sock)
    return sock


def at_once(largest_segment: int) -> int:
    """Return how many sources may ask at a time where a broadcast is delivered to so many link ends.

    A bridge carries each ARP request to all of them. More requests than can be delivered before a
    question's time is over would all be late, and be asked again on top.
    """
    return min(AT_ONCE, max(8, _DELIVERIES // max(largest_segment, 1)))


_idents = count(int.from_bytes(os.urandom(2)))
"""Each Pinger has an identifier of its own: an answer to an earlier one that comes late isn't its answer."""


class Pinger:
    """Asks questions from many namespaces and collects the answers."""

    def __init__(self, echoes: Sequence[Echo], timeout: float, at_once: int = AT_ONCE) -> None:
        """Prepare to ask `echoes`, from at most `at_once` sources at a time."""
        self._at_once = at_once
        self._echoes = echoes
        self._timeout = timeout
        self._ident = next(_idents) & 0xFFFF
        self._sent: dict[int, float] = {}
        self.times: list[float | None] = [None] * len(echoes)

    def run(self, store: NamespaceStore, names: Sequence[str]) -> list[float | None]:
        """Ask everything; `names[node]` is the node's namespace. Call inside `store.entered()`."""
        keys = [(echo.source, 6 if ":" in echo.target else 4) for echo in self._echoes]
        by_socket: dict[tuple[int, int], list[int]] = {}
        for number, key in enumerate(keys):
            by_socket.setdefault(key, []).append(number)
        groups = list(by_socket.items())
        for start in range(0, len(groups), self._at_once):
            self._ask(dict(groups[start : start + self._at_once]), store, names)
        return self.times

    def _ask(
        self, group: dict[tuple[int, int], list[int]], store: NamespaceStore, names: Sequence[str]
    ) -> None:
        """Ask the questions of some sockets and wait for their answers."""
        poll = select.epoll()
        sockets: dict[int, tuple[socket.socket, int, list[int]]] = {}
        try:
            for (source, version), numbers in group.items():
                try:
                    store.go(names[source])
                except FileNotFoundError:  # the node is gone: nobody asks, so nobody answers
                    continue
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
