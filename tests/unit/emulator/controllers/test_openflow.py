"""Bytes of OpenFlow messages, worked out by hand from the specifications 1.0.0 and 1.3.5."""

from __future__ import annotations

import pytest

from emulator.controllers import openflow
from emulator.controllers.openflow import V10, V13, V14, Frame, Type

A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
DATA = B + A + b"\x08\x00" + bytes(50)


def test_hello_offers_all_versions() -> None:
    assert openflow.hello().hex() == "05000010000000000001000800000032"


@pytest.mark.parametrize(
    ("heard", "version"),
    [
        ("0100000800000001", V10),  # no bitmap: the lower of both
        ("0400000800000001", V13),
        ("0600000800000001", V14),
        ("0300000800000001", None),  # 1.2 isn't spoken here
        ("06000010000000010001000800000072", V14),  # 1.0, 1.3, 1.4, 1.5
        ("04000010000000010001000800000010", V13),
        ("06000010000000010001000800000040", None),
    ],
)
def test_the_highest_common_version_is_spoken(heard: str, version: int | None) -> None:
    assert openflow.common_version(bytes.fromhex(heard)) == version


def test_a_flow_of_version_1_0() -> None:
    flow = openflow.pair_flow(1, A, B, 2).hex()
    assert flow == (
        "010e005000000000" "003ffff2" "0001" "020000000001" "020000000002" + "00" * 22
        + "0000000000000000" "0000" "003c" "0000" "0001" "ffffffff" "ffff" "0000"
        "0000" "0008" "0002" "ffff"
    )  # fmt: skip


def test_what_a_switch_of_version_1_3_learns() -> None:
    """Table 0 knows the source for 240 s and goes to table 1, which knows the destination for 300 s."""
    assert openflow.learned_flows(V13, A, 2).hex() == (
        "040e005000000000" "0000000000000000" "0000000000000000" "00" "00" "0000" "00f0" "0001"
        "ffffffff" "ffffffff" "ffffffff" "0000" "0000"
        "0001" "0016" "8000000400000002" "80000806020000000001" "0000"
        "0001" "0008" "01" "000000"
        "040e005800000000" "0000000000000000" "0000000000000000" "01" "00" "012c" "0000" "0001"
        "ffffffff" "ffffffff" "ffffffff" "0000" "0000"
        "0001" "000e" "80000606020000000001" "0000"
        "0004" "0018" "00000000" "0000" "0010" "00000002" "ffff" "000000000000"
    )  # fmt: skip


def test_what_a_switch_is_told_first() -> None:
    greeting = openflow.greeting(V13).hex()
    assert greeting.startswith("0409000c000000000000ffff")  # the whole frame
    assert "fffffffd" in greeting  # the controller hears unknown sources
    assert "fffffffb" in greeting  # unknown destinations are flooded
    assert "0180c2000000fffffffffff0" in greeting  # what no bridge passes on
    assert "fffffffd" not in openflow.greeting(V10).hex()  # asks by itself


@pytest.mark.parametrize("version", [V10, V13, V14])
def test_all_that_has_a_length_says_the_right_one(version: int) -> None:
    for whole in (
        openflow.greeting(version), openflow.delete_flows(version, A),
        openflow.send_frame(version, Frame(3, DATA)),
    ):  # fmt: skip
        rest = whole
        while rest:
            assert rest[0] == version
            length = int.from_bytes(rest[2:4], "big")
            assert length >= 8
            assert length % 4 == 0 or rest[1] == Type.PACKET_OUT
            rest = rest[length:]


def test_frames_are_taken_out_of_what_switches_send() -> None:
    old = openflow.message(V10, Type.PACKET_IN, bytes.fromhex("ffffffff004000030000") + DATA)
    assert openflow.frame_in(old) == Frame(3, DATA)
    match = bytes.fromhex("0001000c800000040000000300000000")
    body = bytes.fromhex("ffffffff004000000000000000000000")
    new = openflow.message(V13, Type.PACKET_IN, body + match + b"\0\0" + DATA)
    assert openflow.frame_in(new) == Frame(3, DATA)


@pytest.mark.parametrize("version", [V10, V13])
def test_what_is_no_frame_is_none(version: int) -> None:
    for length in range(0, 24, 3):
        assert openflow.frame_in(openflow.message(version, Type.PACKET_IN, bytes(length))) is None


@pytest.mark.parametrize(
    ("reason", "state", "lost"), [(0, 0, False), (1, 0, True), (2, 1, True), (2, 0, False), (2, 4, False)]
)
def test_ports_that_are_gone_or_down_are_lost(reason: int, state: int, lost: bool) -> None:
    head = bytes([reason]) + bytes(7)
    old = (7).to_bytes(2, "big") + A + b"x" * 16 + bytes(4) + state.to_bytes(4, "big") + bytes(16)
    new = (7).to_bytes(4, "big") + bytes(4) + A + bytes(2) + b"x" * 16 + bytes(4) + state.to_bytes(4, "big")
    for version, port in ((V10, old), (V13, new + bytes(24)), (V14, new + bytes(24))):
        whole = openflow.message(version, Type.PORT_STATUS, head + port)
        assert openflow.lost_port(whole) == (7 if lost else None)
