"""What comes to ports of light hosts: every rule on single packets, without a network (BPF_PROG_TEST_RUN)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from support import vxlan
from support.overlay import (
    ANY_MAC,
    BEHIND,
    DEVICE_MARK,
    DROP,
    HERE,
    LOSE,
    NEAR,
    NEEDS_BPF,
    NEIGHBOUR,
    NEIGHBOUR_MAC,
    NOBODY,
    ONE,
    PASS,
    REDIRECT,
    SPACE,
    STACK_MARK,
    TWO,
    UPLINK_MAC,
    Bed,
    Port,
    number,
    on_wire,
    packet,
    small_bed,
)
from support.vxlan import ARP, IPV4, IPV6, ethernet, ipv4, udp

from emulator.linux.bpf.program import TestRun
from emulator.linux.overlay import maps as overlay

pytestmark = [pytest.mark.privileged, NEEDS_BPF]


@pytest.fixture
def bed() -> Iterator[Bed]:
    with small_bed() as made:
        yield made


# from_wire


def test_what_came_back_up_is_taken_in(bed: Bed) -> None:
    frame = packet(TWO, ONE)
    run = bed.from_wire.test_run(frame, mark=STACK_MARK)
    assert (run.verdict, run.mark, run.packet) == (PASS, 0, frame)
    run = bed.from_wire.test_run(packet(TWO, BEHIND), mark=DEVICE_MARK)
    assert (run.verdict, run.mark) == (REDIRECT, 0)
    run = bed.from_wire.test_run(frame, mark=DEVICE_MARK)  # it has just moved into the stack
    assert (run.verdict, run.mark, run.packet) == (PASS, 0, frame)
    assert bed.from_wire.test_run(packet(TWO, NEAR), mark=DEVICE_MARK).verdict == DROP
    assert bed.from_wire.test_run(packet(TWO, NOBODY), mark=DEVICE_MARK).verdict == DROP
    bed.maps.ports["place"][BEHIND.slot] = overlay.place(50, number(NEIGHBOUR))  # it has just moved
    assert bed.from_wire.test_run(packet(TWO, BEHIND), mark=DEVICE_MARK).verdict == DROP


def test_tenants_packets_without_vxlan_never_reach_the_stack(bed: Bed) -> None:
    for mark in (0, 1, STACK_MARK + 2):
        for destination in (ONE, NEAR, NOBODY):  # also an address that has no port yet
            assert bed.from_wire.test_run(packet(NEAR, destination), mark=mark).verdict == DROP


def test_the_compute_hosts_own_packets_pass(bed: Bed) -> None:
    def to_here(payload: bytes, **fields: int) -> bytes:
        return ethernet(NEIGHBOUR_MAC, UPLINK_MAC, IPV4, ipv4(NEIGHBOUR, HERE, payload, **fields))

    vxlan_data = udp(40_000, 4789, vxlan.vxlan(7, packet(NEAR, ONE)))
    for frame in (
        to_here(udp(5, 53, b"question")),
        to_here(udp(5, 53, b"")),
        to_here(b"", protocol=1),
        to_here(vxlan_data, protocol=6),
        to_here(vxlan_data, fragment=0x2000),
        to_here(vxlan_data, fragment=0x0005),
        ethernet(NEIGHBOUR_MAC, vxlan.BROADCAST, IPV4, ipv4(NEIGHBOUR, "172.16.0.255", udp(1, 2, b""))),
        ethernet(
            NEIGHBOUR_MAC, vxlan.BROADCAST, ARP, vxlan.arp(1, (NEIGHBOUR_MAC, NEIGHBOUR), (ANY_MAC, HERE))
        ),
        ethernet(NEIGHBOUR_MAC, UPLINK_MAC, IPV6, bytes(40)),
    ):
        run = bed.from_wire.test_run(frame)
        assert (run.verdict, run.packet) == (PASS, frame)


@pytest.mark.parametrize(("port", "verdict"), [(ONE, PASS), (BEHIND, REDIRECT)])
def test_vxlan_for_a_port_is_unpacked_and_counted(bed: Bed, port: Port, verdict: int) -> None:
    inner = ipv4(NEAR.address, port.address, udp(1, 2, b"hello"))
    run = bed.from_wire.test_run(on_wire(port, inner))
    assert (run.verdict, run.packet) == (verdict, ethernet(NEAR.mac, port.mac, IPV4, inner))
    assert bed.counters(port) == (1, len(inner), 0, 0)
    smallest = ipv4(NEAR.address, port.address)
    assert bed.from_wire.test_run(on_wire(port, smallest)).packet[14:] == smallest


def test_vxlan_that_isnt_for_a_port_here_is_dropped(bed: Bed) -> None:
    def verdict(port: Port, frame: bytes = b"", **fields: int) -> int:
        inner = frame or ipv4(NEAR.address, port.address, udp(1, 2, b"hello"))
        return bed.from_wire.test_run(on_wire(port, inner, **fields)).verdict

    assert verdict(ONE, vni=9) == DROP  # no such VPC
    assert verdict(ONE, flags=0) == DROP  # no valid VNI
    assert verdict(Port(NOBODY, HERE, 1)) == DROP
    assert verdict(ONE, ethernet(NEAR.mac, ONE.mac, IPV6, bytes(40))) == DROP
    assert bed.dropped() == {}
    assert verdict(ONE, vni=8) == DROP  # another VPC of the same addresses
    assert bed.dropped() == {ONE.address: 1}
    assert verdict(NEAR) == DROP  # it lives on another host
    assert bed.dropped() == {NEAR.address: 1}
    other = ipv4(NEAR.address, ONE.address, udp(1, 2, b"hello"))
    assert verdict(TWO, other) == DROP  # the MAC of another port
    assert bed.dropped() == {ONE.address: 1}
    bed.down(ONE)
    assert verdict(ONE) == DROP
    assert bed.dropped() == {ONE.address: 1}
    assert bed.counters(ONE) == bed.counters(NEAR) == (0, 0, 0, 0)


def test_every_byte_of_the_mac_counts(bed: Bed) -> None:
    right = on_wire(ONE, ipv4(NEAR.address, ONE.address))
    for place in range(50, 56):
        wrong = right[:place] + bytes([right[place] ^ 4]) + right[place + 1 :]
        assert bed.from_wire.test_run(wrong).verdict == DROP
    assert bed.dropped() == {ONE.address: 6}


def test_vxlan_that_is_cut_off_is_dropped(bed: Bed) -> None:
    whole = on_wire(ONE, ipv4(NEAR.address, ONE.address))
    for size in (43, 50, 63, len(whole) - 1):
        assert bed.from_wire.test_run(whole[:size]).verdict == DROP


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [(3, 1, 3), (3, 2, 3), (3, 3, 3), (3, 0, None), (2, 1, 1), (1, 2, 2), (0, 3, 3), (2, 0, 0)],
)
def test_congestion_marks_are_carried_on(bed: Bed, outer: int, inner: int, expected: int | None) -> None:
    tos = 0xB8
    frame = on_wire(ONE, ipv4(NEAR.address, ONE.address, b"12345678", tos=tos | inner), tos=outer)
    run = bed.from_wire.test_run(frame)
    if expected is None:
        assert (run.verdict, bed.dropped()) == (DROP, {ONE.address: 1})
    else:
        assert run.packet[14:] == ipv4(NEAR.address, ONE.address, b"12345678", tos=tos | expected)


def test_arp_of_a_plain_vxlan_device_is_answered(bed: Bed) -> None:
    def asked(target: str, **fields: int) -> TestRun:
        question = vxlan.arp(1, (NEAR.mac, NEAR.address), ("00:00:00:00:00:00", target))
        frame = on_wire(ONE, ethernet(NEAR.mac, vxlan.BROADCAST, ARP, question), **fields)
        return bed.from_wire.test_run(frame[:40] + b"\x12\x34" + frame[42:])  # with a checksum of UDP

    run = asked(ONE.address)
    assert run.verdict == REDIRECT
    found = vxlan.unpacked(run.packet)
    assert (found.macs, found.vteps) == ((UPLINK_MAC, NEIGHBOUR_MAC), (HERE, NEIGHBOUR))
    answer = vxlan.arp(2, (ONE.mac, ONE.address), (NEAR.mac, NEAR.address))
    assert (found.vni, found.inner) == (7, ethernet(ONE.mac, NEAR.mac, ARP, answer))
    assert asked(NEAR.address).verdict == asked(NOBODY).verdict == asked(ONE.address, vni=8).verdict == DROP
    bed.down(ONE)
    assert asked(ONE.address).verdict == DROP
    assert bed.dropped() == {}  # requests are flooded to hosts that don't have the port


# moves


def test_a_port_that_moves_still_works_where_it_was_until_it_is_settled(bed: Bed) -> None:
    incoming = on_wire(ONE, ipv4(NEAR.address, ONE.address, udp(1, 2, b"hello")))
    slots = np.array([ONE.slot], np.uint32)
    bed.maps.migrate(slots, overlay.place([50], [number(NEIGHBOUR)]))
    assert bed.from_wire.test_run(incoming).verdict == PASS  # sent before the move
    assert vxlan.unpacked(bed.from_stack.test_run(packet(ONE, NEAR)).packet).vni == 7  # its answer
    found = vxlan.unpacked(bed.from_stack.test_run(packet(TWO, ONE)).packet)
    assert found.vteps == (HERE, NEIGHBOUR)  # new packets go to the new place
    bed.maps.settle(slots)
    assert bed.from_wire.test_run(incoming).verdict == DROP
    assert bed.from_stack.test_run(packet(ONE, NEAR)).verdict == LOSE
    assert bed.counters(ONE)[:1] == (1,)


def test_what_is_sent_to_a_port_that_is_announced_elsewhere_is_lost_there(bed: Bed) -> None:
    def state() -> list[int]:
        noted, _ = bed.maps.moving.lookup_batch(overlay.SLOT, overlay.PLACE)
        return [*(int(bed.maps.ports[name][TWO.slot]) for name in ("place", "flags")), *noted.tolist()]

    incoming = on_wire(NEAR, ipv4(ONE.address, NEAR.address, udp(1, 2, b"hello")))
    home, here = overlay.place([50], [number(NEIGHBOUR)]), overlay.place([TWO.device], [number(HERE)])
    bed.maps.send_astray(np.array([NEAR.slot], np.uint32), home, here)
    assert bed.from_wire.test_run(incoming).verdict == DROP
    assert bed.from_stack.test_run(packet(ONE, NEAR)).verdict == LOSE  # sent on the host that hasn't it
    assert bed.dropped() == {NEAR.address: 2}
    bed.maps.lead_home(np.array([NEAR.slot], np.uint32), home)
    slots = np.array([TWO.slot], np.uint32)
    before = state()
    bed.maps.send_astray(slots, here, home)
    assert vxlan.unpacked(bed.from_stack.test_run(packet(TWO, NEAR)).packet).vni == 7  # it still sends
    assert vxlan.unpacked(bed.from_stack.test_run(packet(ONE, TWO)).packet).vteps == (HERE, NEIGHBOUR)
    bed.maps.lead_home(slots, here)
    assert state() == before
    assert bed.from_stack.test_run(packet(ONE, TWO)).verdict == REDIRECT


def test_other_address_spaces_have_the_same_addresses(bed: Bed) -> None:
    keys = overlay.page_keys(SPACE + 1, number("10.0.0.0"), 1)
    bed.maps.pages.update_batch(keys, np.array([448], np.uint32))
    bed.maps.vnis.update(struct.pack("=I", 9), struct.pack("=I", SPACE + 1))
    entry = bed.maps.ports[448 + 1]
    entry["mac"] = list(vxlan.packed_mac("02:99:00:00:00:01"))
    entry["vni"], entry["place"] = 9, overlay.place(71, number(HERE))
    frame = ethernet(ANY_MAC, "02:99:00:00:00:01", IPV4, ipv4("10.0.0.2", "10.0.0.1", b"12345678"))
    outer = ipv4(NEIGHBOUR, HERE, udp(40_000, 4789, vxlan.vxlan(9, frame)))
    run = bed.from_wire.test_run(ethernet(NEIGHBOUR_MAC, UPLINK_MAC, IPV4, outer))
    assert (run.verdict, run.packet) == (REDIRECT, frame)
    assert (int(entry["rx_packets"]), bed.counters(ONE)[0]) == (1, 0)


def test_places_are_packed_and_split() -> None:
    addresses = [number(HERE), number("255.254.253.252")]
    packed = overlay.place([7, 2**31 - 1], addresses)
    assert struct.pack("=Q", int(packed[0])) == struct.pack("=I", 7) + socket.inet_aton(HERE)
    devices, vteps = overlay.split_place(packed)
    assert (devices.tolist(), vteps.tolist()) == ([7, 2**31 - 1], addresses)
    with pytest.raises(ValueError, match=r"no page begins at 10\.0\.0\.1"):
        overlay.page_keys(1, number("10.0.0.1"), 1)
