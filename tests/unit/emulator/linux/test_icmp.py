"""How many hosts ask at a time."""

from __future__ import annotations

import select
import socket
import struct

import pytest

from emulator.icmp import reply_of
from emulator.linux.icmp import AT_ONCE, Pinger, at_once
from emulator.network import Echo


@pytest.mark.parametrize(
    ("ends", "most"), [(0, AT_ONCE), (100, AT_ONCE), (2_112, 142), (20_656, 14), (10**7, 8)]
)
def test_fewer_ask_at_a_time_where_a_broadcast_reaches_more(ends: int, most: int) -> None:
    assert at_once(ends) == most


IPV4 = bytes.fromhex("450000 1c 0000 0000 40 01 0000 0a000002 0a000001")


@pytest.mark.parametrize(("version", "reply", "other", "before"), [(4, 0, 8, IPV4), (6, 129, 128, b"")])
def test_only_an_answer_to_ones_own_question_is_taken(
    version: int, reply: int, other: int, before: bytes
) -> None:
    """RFC 792, RFC 4443: type, code, checksum, identifier, number. All raw sockets hear all replies."""

    def packet(kind: int, ident: int, seq: int) -> bytes:
        return before + struct.pack("!BBHHH", kind, 0, 0, ident, seq) + b"data"

    assert reply_of(version, packet(reply, 4711, 9), 4711) == 9
    assert reply_of(version, packet(reply, 4712, 9), 4711) is None
    assert reply_of(version, packet(other, 4711, 9), 4711) is None
    assert reply_of(version, packet(reply, 4711, 9)[:-6], 4711) is None


def test_the_answer_to_another_pinger_answers_nothing() -> None:
    """Two checks of one network at a time, or a late answer to the one before: equal numbers, not it."""
    pinger = Pinger([Echo(0, "10.0.0.2")], 1.0)
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernels, select.epoll() as poll:
        ours.settimeout(0)
        poll.register(ours, select.EPOLLIN)
        pinger._sent[0] = 0.0
        for ident, answered in ((pinger._ident ^ 1, 0), (pinger._ident, 1), (pinger._ident, 0)):
            kernels.send(IPV4 + struct.pack("!BBHHH", 0, 0, 0, ident, 0))
            assert pinger._collect(poll, {ours.fileno(): (ours, 4, [0])}, 1.0) == answered
