"""ICMP echo from inside namespaces, many questions at once, in one thread (RFC 792, RFC 4443).

A raw socket belongs to the namespace it was opened in: open it inside, leave, and keep using it.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from emulator.access import Echo
from emulator.icmp import echo_request, listen_for_replies, protocol, reply_of
from emulator.linux.namespaces.store import NamespaceStore
from emulator.probe_window import Limits, ProbeWindow
from emulator.questions import Questions

AT_ONCE = 512
"""Questions that wait for an answer, and sockets that are open, at a time."""
_DELIVERIES = 300_000
"""ARP broadcasts that may wait to be delivered: what a slow processor does in a third of a second."""
_LEAST = 16
"""Questions at a time at least: 4,000 that nobody answers take a minute at worst."""
_CAREFUL = 16
"""Questions at a time in the beginning where a controller must be asked."""
_SENDS = 8
"""Questions after which to look for answers: a system call for each would cost more than asking."""
_LATE, _LONGEST = 0.35, 1.0
"""Seconds after which an answer is late, and that a question keeps its place at most, without delays."""
_LATE_ASKED, _LONGEST_ASKED = 1.0, 2.0
"""The same where a controller is asked: what comes many at a time costs it and its switches less each."""

_Key = tuple[int, int]
"""(node, IP version): what has a socket of its own."""


def _open_socket(version: int) -> socket.socket:
    family, number = protocol(version)
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, number)
    listen_for_replies(sock)
    return sock


def at_once(largest_segment: int) -> int:
    """Return how many questions may be asked at a time where a broadcast is delivered to so many link ends.

    A bridge carries each ARP request to all of them. More requests than can be delivered before a
    question's time is over would all be late, and be asked again on top.
    """
    return min(AT_ONCE, max(8, _DELIVERIES // max(largest_segment, 1)))


def limits(largest_segment: int, delay: float = 0.0, *, controllers: bool = False) -> Limits:
    """Return the limits of the window of a network.

    `largest_segment` is in link ends, `delay` what links add to an answer (seconds); with `controllers`,
    first packets of a flow are sent to one.
    """
    most = at_once(largest_segment)
    start = min(_CAREFUL, most) if controllers else most
    late, longest = (_LATE_ASKED, _LONGEST_ASKED) if controllers else (_LATE, _LONGEST)
    return Limits(start, min(start, max(_LEAST, most // 4)), most, late + delay, longest + delay)


_idents = count(int.from_bytes(os.urandom(2)))
"""Each Pinger has an identifier of its own: an answer to an earlier one that comes late isn't its answer."""


class Pinger:
    """Asks questions from many namespaces and collects the answers."""

    def __init__(self, echoes: Sequence[Echo], timeout: float, limits: Limits) -> None:
        """Prepare to ask `echoes`, in their order and as quickly as they are answered."""
        self._echoes = echoes
        self._keys = [(echo.source, 6 if ":" in echo.target else 4) for echo in echoes]
        self._questions = Questions([echo.expected for echo in echoes], timeout, ProbeWindow(limits))
        self._ident = next(_idents) & 0xFFFF
        self._poll = select.epoll()
        self._sockets: dict[_Key, socket.socket] = {}
        self._key_of: dict[int, _Key] = {}
        self._open: dict[_Key, dict[int, int]] = {}
        """Of each socket: the open questions by the sequence number they were sent with."""

    def run(self, store: NamespaceStore, names: Sequence[str]) -> list[float | None]:
        """Ask everything; `names[node]` is the node's namespace. Call inside `store.entered()`."""
        questions = self._questions
        try:
            while True:
                for sent, number in enumerate(questions.due(time.monotonic, self._may_ask), 1):
                    self._send(number, store, names)
                    if sent % _SENDS == 0:
                        self._collect(0.0)
                if questions.done:
                    break
                self._collect(min(1.0, max(0.0, questions.wake() - time.monotonic())))
        finally:
            self._poll.close()
            for sock in self._sockets.values():
                sock.close()
        return questions.times

    def _may_ask(self, number: int) -> bool:
        """Return whether the question's socket is open or may be: idle ones are closed for it."""
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

    def _socket(self, key: _Key, store: NamespaceStore, names: Sequence[str]) -> socket.socket:
        if key not in self._sockets:
            store.go(names[key[0]])
            sock = _open_socket(key[1])
            self._sockets[key] = sock
            self._open[key] = {}
            self._key_of[sock.fileno()] = key
            self._poll.register(sock, select.EPOLLIN)
        return self._sockets[key]

    def _send(self, number: int, store: NamespaceStore, names: Sequence[str]) -> None:
        key = self._keys[number]
        try:
            sock = self._socket(key, store, names)
        except FileNotFoundError:  # the node is gone: nobody asks, so nobody answers
            return
        self._open[key][number & 0xFFFF] = number
        request = echo_request(key[1], self._ident, number & 0xFFFF)
        with suppress(OSError):  # no route, a full queue: no answer, and it is asked again
            sock.sendto(request, (self._echoes[number].target, 0))

    def _collect(self, wait: float) -> None:
        """Take the answers that come within `wait` seconds, all that are there by then."""
        for descriptor, _event in self._poll.poll(wait, AT_ONCE):
            key = self._key_of[descriptor]
            sock, numbers = self._sockets[key], self._open[key]
            while True:
                try:
                    packet = sock.recv(2048)
                except OSError:
                    break
                seq = reply_of(key[1], packet, self._ident)
                number = numbers.get(seq) if seq is not None else None
                if number is not None:
                    self._questions.heard(number, time.monotonic())
        for number in self._questions.take_settled():
            self._open.get(self._keys[number], {}).pop(number & 0xFFFF, None)
