"""How many hosts ask at a time."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from emulator.access import Echo
from emulator.icmp import reply_of
from emulator.linux import icmp
from emulator.linux.icmp import AT_ONCE, at_once

if TYPE_CHECKING:
    from emulator.linux.namespaces.store import NamespaceStore


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


class Wire:
    """A raw socket whose every question is answered to the identifiers that `others` makes of its own."""

    def __init__(self, others: Sequence[int]) -> None:
        self._ours, self._kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.settimeout(0)
        self._others = others
        self.fileno, self.recv = self._ours.fileno, self._ours.recv

    def sendto(self, request: bytes, where: tuple[str, int]) -> None:
        """Answer as another host's kernel does."""
        del where
        ident, seq = struct.unpack_from("!HH", request, 4)
        for other in self._others:
            self._kernels.send(IPV4 + struct.pack("!BBHHH", 0, 0, 0, ident ^ other, seq))

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self._kernels.close()


def file_of(node: int) -> icmp.Source:
    """Return the namespace of a node that isn't light."""
    return icmp.Source(f"h{node + 1}")


@pytest.mark.parametrize(("others", "answered"), [((1,), False), ((1, 0), True), ((0, 0), True)])
def test_the_answer_to_another_pinger_answers_nothing(
    others: tuple[int, ...], answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checks of one network at a time, or a late answer to the one before: equal numbers, not it."""
    monkeypatch.setattr(icmp, "_open_socket", lambda _version: Wire(others))
    pinger = icmp.Pinger([Echo(0, "10.0.0.2"), Echo(1, "10.0.0.1")], 0.05, icmp.limits(0), file_of)
    found = pinger.run(cast("NamespaceStore", SimpleNamespace(go=lambda _name: None)))
    assert [time is not None for time in found] == [answered, answered]


def test_a_node_that_is_gone_answers_nothing() -> None:
    def go(_name: str) -> None:
        raise FileNotFoundError

    pinger = icmp.Pinger([Echo(0, "10.0.0.2")], 0.05, icmp.limits(0), file_of)
    assert pinger.run(cast("NamespaceStore", SimpleNamespace(go=go))) == [None]
