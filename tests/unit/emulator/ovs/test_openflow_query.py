"""What a switch says over OpenFlow: bytes as Open vSwitch writes them, laid out as the specification says."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest

from emulator.ovs import openflow_query
from emulator.ovs.bridges import Bridge
from emulator.ovs.openflow_query import SwitchAnswer, ask, asks_controller, version_of

S1 = Bridge("s1", "", "", "netdev", ("OpenFlow13",), "secure")
NO_RECEIVE, NO_FLOOD, NO_FORWARD = 4, 16, 32
PORT13 = bytes.fromhex(  # s1-eth2 of a running switch, set to no-forward
    "00000002000000000200000100020000"
    "73312d65746832000000000000000000"
    "00000020000000040000084000000000"
    "00000000000000000098968000000000"
)


def reply(version: int, kind: int, body: bytes, *, more: bool = False) -> bytes:
    head = pack("!HH", kind, more) + (b"" if version == 1 else bytes(4))
    size = 8 + len(head) + len(body)
    return pack("!BBHI", version, 17 if version == 1 else 19, size, kind) + head + body


def tables13(*flows: int) -> bytes:
    return b"".join(pack("!B3xIQQ", number, count, 0, 0) for number, count in enumerate(flows))


def port10(name: str, config: int) -> bytes:
    return pack("!H6s16sII16x", 1, bytes(6), name.encode(), config, 0)


def port15(name: str, config: int) -> bytes:
    return pack("!IH2x6s2x16sII", 1, 72, bytes(6), name.encode(), config, 0) + pack("!HH28x", 0, 32)


def said(
    monkeypatch: pytest.MonkeyPatch, bridge: Bridge, *answers: bytes, counted: bool = False
) -> tuple[SwitchAnswer, bytes]:
    """Return what is made of the answers, and what was asked."""
    near, far = socket.socketpair()
    with far:
        version = openflow_query._WIRE[version_of(bridge)]
        far.sendall(pack("!BBHI", version, 0, 8, 99) + b"".join(answers))
        far.shutdown(socket.SHUT_WR)
        monkeypatch.setattr(openflow_query, "connected", lambda *_: near)
        found = ask(Path("nowhere"), [bridge], {"s1"} if counted else ())
        return found["s1"], far.recv(1000)


def test_a_port_that_does_not_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = said(monkeypatch, S1, reply(4, 13, PORT13))
    assert found == SwitchAnswer({"s1-eth2": NO_FORWARD})
    assert asked == bytes.fromhex("0400000800000000041200100000000d000d000000000000")


def test_flows_are_those_of_the_first_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for flows, some in (((1, 0), True), ((0, 3), False)):
        answers = reply(4, 3, tables13(*flows)), reply(4, 13, PORT13)
        assert said(monkeypatch, S1, *answers, counted=True)[0].flows is some
    parts = reply(4, 13, b""), reply(4, 3, tables13(2), more=True), reply(4, 3, tables13()[:0])
    assert said(monkeypatch, S1, *parts, counted=True)[0].flows is True


def test_version_10_tells_of_flooding_and_has_larger_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    both = replace(S1, protocols=("OpenFlow10", "OpenFlow13"))
    table = pack("!B3x32sIIIQQ", 0, b"classifier", 0, 0, 2, 0, 0)
    ports = port10("s1-eth1", NO_FLOOD) + port10("s1-eth2", 1)
    found, asked = said(monkeypatch, both, reply(1, 13, ports), reply(1, 3, table), counted=True)
    assert found == SwitchAnswer({"s1-eth1": NO_FLOOD, "s1-eth2": 0}, flows=True)
    assert asked == bytes.fromhex("01000008000000000110000c00000003000300000110000c0000000d000d0000")


def test_version_15_says_how_long_each_port_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = port15("s1-eth1", NO_RECEIVE) + port15("s1-eth2", 0)
    found, asked = said(monkeypatch, replace(S1, protocols=("OpenFlow15",)), reply(6, 13, ports))
    assert found.configs == {"s1-eth1": NO_RECEIVE, "s1-eth2": 0}
    assert asked.endswith(bytes.fromhex("ffffffff00000000"))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "closed"),
        (reply(4, 13, PORT13)[:40], "closed"),
        (reply(4, 13, PORT13[:30]), "too short"),
        (pack("!BBHIHH", 4, 1, 12, 13, 1, 2), "error 00010002"),
    ],
)
def test_what_is_no_answer_is_said(answer: bytes, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem in said(monkeypatch, S1, answer)[0].problem


def test_a_socket_that_is_gone_is_said(tmp_path: Path) -> None:
    assert ask(tmp_path, [S1])["s1"].problem == "No such file or directory"


def test_before_version_13_a_switch_without_flows_asks_its_controller() -> None:
    assert asks_controller(replace(S1, protocols=("OpenFlow10", "OpenFlow12")))
    assert not asks_controller(replace(S1, protocols=("OpenFlow10", "OpenFlow13")))
    assert not asks_controller(S1)
