"""What our learning controller tells its switches: messages in, messages out, no socket."""

from __future__ import annotations

import asyncio

import pytest

from emulator.controllers import openflow
from emulator.controllers.learning import Learner, Switch
from emulator.controllers.openflow import V10, V13, Frame, Type

A, B, BROADCAST = bytes.fromhex("020000000001"), bytes.fromhex("020000000002"), b"\xff" * 6


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def taken(self) -> bytes:
        sent, self.sent = self.sent, b""
        return sent


def joined(learner: Learner, version: int = V13) -> tuple[Switch, Wire]:
    switch, wire = Switch(learner), Wire()
    switch.connection_made(wire)
    assert wire.taken() == openflow.hello()
    switch.data_received(openflow.message(version, Type.HELLO))
    assert wire.taken() == openflow.message(version, Type.FEATURES_REQUEST) + openflow.greeting(version)
    return switch, wire


def packet_in(version: int, port: int, destination: bytes, source: bytes) -> tuple[Frame, bytes]:
    data = destination + source + b"\x08\x06" + bytes(46)
    if version == V10:
        body = b"\xff" * 4 + len(data).to_bytes(2, "big") + port.to_bytes(2, "big") + bytes(2)
    else:
        match = bytes.fromhex("0001000c80000004") + port.to_bytes(4, "big") + bytes(4)
        body = b"\xff" * 4 + bytes(12) + match + bytes(2)
    return Frame(port, data), openflow.message(version, Type.PACKET_IN, body + data)


def test_a_switch_of_version_1_0_asks_about_every_pair() -> None:
    switch, wire = joined(Learner(), V10)
    frame, heard = packet_in(V10, 2, A, B)
    switch.data_received(heard)
    assert wire.taken() == openflow.send_frame(V10, frame, None)
    frame, heard = packet_in(V10, 1, BROADCAST, A)
    switch.data_received(heard)
    flood = openflow.pair_flow(1, A, BROADCAST, None)
    assert wire.taken() == flood + openflow.send_frame(V10, frame, None)
    frame, heard = packet_in(V10, 2, A, B)
    switch.data_received(heard)
    assert wire.taken() == openflow.pair_flow(2, B, A, 1) + openflow.send_frame(V10, frame, 1)
    switch.data_received(packet_in(V10, 1, A, B)[1])  # on its own side
    assert wire.taken().endswith(openflow.delete_flows(V10, B))


def test_a_later_one_asks_about_every_source() -> None:
    switch, wire = joined(Learner())
    frame, heard = packet_in(V13, 1, BROADCAST, A)
    switch.data_received(heard)
    assert wire.taken() == openflow.learned_flows(V13, A, 1) + openflow.send_frame(V13, frame)
    frame, heard = packet_in(V13, 1, A, BROADCAST)  # a source that can be none
    switch.data_received(heard)
    assert wire.taken() == openflow.send_frame(V13, frame)
    assert switch.ports == {A: 1}


def test_messages_may_come_in_pieces_and_several_at_once() -> None:
    switch, wire = joined(Learner())
    _, heard = packet_in(V13, 1, BROADCAST, A)
    whole = heard + openflow.message(V13, Type.ECHO_REQUEST, b"abc", 9)
    for byte in whole:
        switch.data_received(bytes([byte]))
    in_pieces = wire.taken()
    switch.data_received(whole)
    assert wire.taken() == in_pieces
    assert in_pieces.endswith(openflow.message(V13, Type.ECHO_REPLY, b"abc", 9))


def test_a_host_that_moves_is_learned_anew() -> None:
    switch, wire = joined(Learner())
    switch.data_received(packet_in(V13, 1, BROADCAST, A)[1])
    wire.taken()
    switch.data_received(packet_in(V13, 3, BROADCAST, A)[1])
    assert wire.taken().startswith(openflow.delete_flows(V13, A))
    assert switch.ports == {A: 3}


def test_what_a_lost_port_led_to_is_forgotten_by_all() -> None:
    learner = Learner()
    (one, wire), (other, far) = joined(learner), joined(learner)
    for switch in (one, other):
        switch.data_received(packet_in(V13, 1, BROADCAST, A)[1])
        switch.data_received(packet_in(V13, 2, BROADCAST, B)[1])
    wire.taken()
    far.taken()
    down = b"\x01" + bytes(7) + (1).to_bytes(4, "big") + bytes(60)
    one.data_received(openflow.message(V13, Type.PORT_STATUS, down))
    assert wire.taken() == far.taken() == openflow.delete_flows(V13, A)
    assert one.ports == other.ports == {B: 2}


def test_frames_for_bridges_alone_go_nowhere() -> None:
    switch, wire = joined(Learner(), V10)
    switch.data_received(packet_in(V10, 1, bytes.fromhex("0180c200000e"), A)[1])
    assert wire.taken() == b""


@pytest.mark.parametrize(
    "heard", ["0200000800000000", "040a000800000000", "0400000400000000", "485454502f312e31"]
)
def test_what_speaks_something_else_is_dropped(heard: str, capsys: pytest.CaptureFixture[str]) -> None:
    switch, wire = Switch(Learner()), Wire()
    switch.connection_made(wire)
    switch.data_received(bytes.fromhex(heard) + bytes(0x5450))
    assert wire.aborted
    assert "speaks none of" in capsys.readouterr().err or not heard.startswith("02")


def test_a_switch_that_goes_is_no_longer_told() -> None:
    learner = Learner()
    switch, _ = joined(learner)
    switch.connection_lost(None)
    assert not learner.switches
