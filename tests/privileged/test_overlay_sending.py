"""What ports of light hosts send: every rule on single packets, without a network (BPF_PROG_TEST_RUN).

Packets are built and read by tests/support/vxlan.py, and once by tcpdump.
"""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import vxlan
from support.overlay import (
    ANY_MAC,
    BEHIND,
    DEVICE_MARK,
    DROP,
    FAR,
    GATEWAY_MAC,
    HERE,
    LOOPBACK,
    LOSE,
    NEAR,
    NEEDS_BPF,
    NEIGHBOUR,
    NEIGHBOUR_MAC,
    NO_ADDRESS,
    NO_WAY,
    NOBODY,
    ONE,
    PASS,
    REDIRECT,
    ROUTED,
    STACK_MARK,
    STRANGER,
    STRANGER_HERE,
    TWO,
    UPLINK_MAC,
    Bed,
    Port,
    packet,
    small_bed,
)
from support.vxlan import ARP, IPV4, IPV6, ethernet, ipv4, udp

from emulator.linux.bpf.program import TestRun

pytestmark = [pytest.mark.privileged, NEEDS_BPF]


@pytest.fixture
def bed() -> Iterator[Bed]:
    with small_bed() as made:
        yield made


# from_stack


def test_what_the_compute_host_itself_sends_passes_untouched(bed: Bed) -> None:
    arp = vxlan.arp(1, (UPLINK_MAC, HERE), ("00:00:00:00:00:00", NEIGHBOUR))
    for frame in (
        packet(HERE, NEIGHBOUR),
        packet(HERE, ONE),
        ethernet(UPLINK_MAC, vxlan.BROADCAST, ARP, arp),
        ethernet(UPLINK_MAC, vxlan.BROADCAST, IPV6, bytes(40)),
    ):
        run = bed.from_stack.test_run(frame)
        assert (run.verdict, run.packet) == (PASS, frame)
    assert bed.dropped() == {}


def test_tenants_send_no_arp_into_the_underlay(bed: Bed) -> None:
    arp = vxlan.arp(1, (UPLINK_MAC, ONE.address), ("00:00:00:00:00:00", NEIGHBOUR))
    assert bed.from_stack.test_run(ethernet(UPLINK_MAC, vxlan.BROADCAST, ARP, arp)).verdict == LOSE


@pytest.mark.parametrize("program", ["from_stack", "from_device"])
def test_a_forged_source_is_dropped(bed: Bed, program: str) -> None:
    run = getattr(bed, program).test_run
    assert run(packet(NOBODY, NEAR)).verdict == NO_WAY[program]  # no port
    assert run(packet(NEAR, TWO)).verdict == NO_WAY[program]  # a port of another host
    assert run(packet(BEHIND, TWO)).verdict == NO_WAY[program]  # a port of this host, behind another device
    assert run(packet("192.0.2.1", NEAR)).verdict == NO_WAY[program]  # no tenant at all
    assert bed.dropped() == {}  # nothing that is anybody's


@pytest.mark.parametrize("program", ["from_stack", "from_device"])
def test_what_may_not_pass_is_counted_at_its_sender(bed: Bed, program: str) -> None:
    run = getattr(bed, program).test_run
    for destination in (STRANGER, STRANGER_HERE, NOBODY, "10.0.9.1"):
        assert run(packet(ONE, destination)).verdict == NO_WAY[program]
        assert bed.dropped() == {ONE.address: 1}
    for port in (NEAR, TWO):
        bed.down(port)
        assert run(packet(ONE, port)).verdict == NO_WAY[program]
        assert bed.dropped() == {ONE.address: 1}
    bed.down(ONE)
    assert run(packet(ONE, ROUTED)).verdict == NO_WAY[program]
    assert bed.dropped() == {ONE.address: 1}
    assert bed.counters(ONE) == bed.counters(NEAR) == bed.counters(ROUTED) == (0, 0, 0, 0)


def test_a_port_is_gone_as_soon_as_it_has_no_place(bed: Bed) -> None:
    bed.maps.ports["place"][[NEAR.slot, TWO.slot]] = 0
    assert bed.from_stack.test_run(packet(ONE, NEAR)).verdict == LOSE
    assert bed.dropped() == {ONE.address: 1}
    for program in (bed.from_stack, bed.from_device):
        assert program.test_run(packet(TWO, ONE)).verdict in {DROP, LOSE}
    asked = vxlan.arp(1, (ANY_MAC, ONE.address), ("00:00:00:00:00:00", NEAR.address))
    assert bed.from_device.test_run(ethernet(ANY_MAC, vxlan.BROADCAST, ARP, asked)).verdict == DROP
    assert bed.dropped() == {}


@pytest.mark.parametrize(("port", "mark"), [(TWO, STACK_MARK), (BEHIND, DEVICE_MARK)])
def test_a_port_of_this_host_is_reached_through_the_uplinks_way_in(bed: Bed, port: Port, mark: int) -> None:
    frame = packet(ONE, port)
    run = bed.from_stack.test_run(frame)
    assert (run.verdict, run.mark) == (REDIRECT, mark)
    assert run.packet == ethernet(ONE.mac, port.mac, IPV4, frame[14:])
    size = len(frame) - 14
    assert (bed.counters(ONE), bed.counters(port)) == ((0, 0, 1, size), (1, size, 0, 0))


@pytest.mark.parametrize("program", ["from_stack", "from_device"])
def test_another_host_is_reached_by_vxlan(bed: Bed, program: str) -> None:
    frame = packet(ONE, NEAR, tos=0xB9)  # expedited forwarding, ECT(1)
    run: TestRun = getattr(bed, program).test_run(frame)
    assert run.verdict == (PASS if program == "from_stack" else REDIRECT)
    found = vxlan.unpacked(run.packet)
    assert found.macs == (UPLINK_MAC, NEIGHBOUR_MAC)
    assert (found.vteps, found.vni, found.ttl) == ((HERE, NEIGHBOUR), 7, 64)
    assert found.tos == 1  # only ECN
    assert found.inner == ethernet(ONE.mac, NEAR.mac, IPV4, frame[14:])
    assert 32768 <= found.source_port < 61000
    assert bed.counters(ONE) == (0, 0, 1, len(frame) - 14)
    assert bed.counters(NEAR) == (0, 0, 0, 0)  # its host counts


def test_the_source_port_belongs_to_the_flow(bed: Bed) -> None:
    ports = [vxlan.unpacked(bed.from_stack.test_run(packet(ONE, NEAR)).packet).source_port for _ in range(3)]
    assert len(set(ports)) == 1
    frames = [
        ethernet(UPLINK_MAC, ANY_MAC, IPV4, ipv4(ONE.address, NEAR.address, udp(port, 80, b"")))
        for port in range(1, 33)
    ]
    assert len({vxlan.unpacked(bed.from_stack.test_run(frame).packet).source_port for frame in frames}) > 25


def test_a_host_outside_the_subnet_is_reached_through_the_gateway(bed: Bed) -> None:
    found = vxlan.unpacked(bed.from_stack.test_run(packet(ONE, ROUTED)).packet)
    assert (found.macs, found.vteps) == ((UPLINK_MAC, GATEWAY_MAC), (HERE, FAR))


def test_a_host_of_the_subnet_whose_mac_nobody_knows_isnt_reached(bed: Bed) -> None:
    bed.maps.peers.delete(socket.inet_aton(NEIGHBOUR))
    assert bed.from_stack.test_run(packet(ONE, NEAR)).verdict == LOSE
    assert bed.dropped() == {ONE.address: 1}
    assert bed.counters(ONE) == (0, 0, 0, 0)


def test_between_subnets_the_ttl_falls_and_ends(bed: Bed) -> None:
    for ttl in (64, 255, 2):
        frame = packet(ONE, ROUTED, ttl=ttl)
        found = vxlan.unpacked(bed.from_stack.test_run(frame).packet)
        assert found.inner == ethernet(ONE.mac, ROUTED.mac, IPV4, packet(ONE, ROUTED, ttl=ttl - 1)[14:])
    assert bed.dropped() == {}
    assert bed.from_stack.test_run(packet(ONE, ROUTED, ttl=1)).verdict == LOSE
    assert bed.dropped() == {ONE.address: 1}
    assert vxlan.unpacked(bed.from_stack.test_run(packet(ONE, NEAR, ttl=1)).packet).inner[22] == 1


def test_the_checksum_after_routing_is_right_for_every_header(bed: Bed) -> None:
    for identification in range(0, 65536, 1013):
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20, identification, 0, 9, 0xFF, 0)
        header += socket.inet_aton(ONE.address) + socket.inet_aton(ROUTED.address)
        whole = header[:10] + struct.pack("!H", vxlan.checksum(header)) + header[12:]
        run = bed.from_stack.test_run(ethernet(UPLINK_MAC, ANY_MAC, IPV4, whole))
        assert vxlan.checksum(vxlan.unpacked(run.packet).inner[14:]) == 0


def test_fragments_pass_by_their_addresses(bed: Bed) -> None:
    for fragment in (0x2000, 0x2001, 0x00B9):  # first, middle, last
        frame = packet(ONE, NEAR, fragment=fragment)
        assert vxlan.unpacked(bed.from_stack.test_run(frame).packet).inner[14:] == frame[14:]


def test_a_device_that_isnt_registered_lets_nothing_through(bed: Bed) -> None:
    bed.maps.devices.delete(struct.pack("=I", LOOPBACK))
    for program, verdict in ((bed.from_stack, LOSE), (bed.from_device, DROP), (bed.from_wire, DROP)):
        assert program.test_run(packet(ONE, NEAR)).verdict == verdict


def test_tcpdump_reads_the_same(bed: Bed, tmp_path: Path) -> None:
    sent = bed.from_stack.test_run(packet(ONE, NEAR)).packet
    recording = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    recording += struct.pack("=IIII", 0, 0, len(sent), len(sent)) + sent
    (tmp_path / "sent.pcap").write_bytes(recording)
    words = ["tcpdump", "-nevvr", str(tmp_path / "sent.pcap")]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert f"{UPLINK_MAC} > {NEIGHBOUR_MAC}" in text
    assert f"{HERE}." in text
    assert f"> {NEIGHBOUR}.4789: [no cksum] VXLAN, flags [I] (0x08), vni 7" in text
    assert f"{ONE.mac} > {NEAR.mac}, ethertype IPv4" in text
    assert f"{ONE.address}.1000 > {NEAR.address}.2000: [no cksum] UDP, length 7" in text
    assert "bad" not in text


# from_device


def test_a_tenants_packet_reaches_ports_of_its_host(bed: Bed) -> None:
    frame = packet(ONE, BEHIND)
    run = bed.from_device.test_run(frame)
    assert (run.verdict, run.mark) == (REDIRECT, 0)
    assert run.packet == ethernet(ONE.mac, BEHIND.mac, IPV4, frame[14:])
    run = bed.from_device.test_run(packet(ONE, TWO))
    assert (run.verdict, run.mark) == (REDIRECT, STACK_MARK)
    assert (bed.counters(BEHIND)[0], bed.counters(TWO)[0], bed.counters(ONE)[2]) == (1, 1, 2)


def test_arp_for_a_port_of_the_vpc_is_answered(bed: Bed) -> None:
    for port in (TWO, NEAR, ROUTED, BEHIND):
        asked = vxlan.arp(1, (ANY_MAC, ONE.address), ("00:00:00:00:00:00", port.address))
        run = bed.from_device.test_run(ethernet(ANY_MAC, vxlan.BROADCAST, ARP, asked))
        answer = vxlan.arp(2, (port.mac, port.address), (ANY_MAC, ONE.address))
        assert (run.verdict, run.packet) == (REDIRECT, ethernet(port.mac, ANY_MAC, ARP, answer))


def test_arp_is_answered_for_nobody_else(bed: Bed) -> None:
    bed.down(TWO)

    def verdict(sender: str, target: str, operation: int = 1) -> int:
        asked = vxlan.arp(operation, (ANY_MAC, sender), ("00:00:00:00:00:00", target))
        return bed.from_device.test_run(ethernet(ANY_MAC, vxlan.BROADCAST, ARP, asked)).verdict

    assert verdict(ONE.address, TWO.address) == DROP  # down
    assert verdict(ONE.address, STRANGER.address) == DROP  # of another VPC
    assert verdict(ONE.address, NOBODY) == DROP
    assert verdict(ONE.address, ONE.address) == DROP  # an announcement
    assert verdict(NO_ADDRESS, NEAR.address) == DROP
    assert verdict(NEAR.address, BEHIND.address) == DROP  # a forged sender
    assert verdict(ONE.address, NEAR.address, operation=2) == DROP
    assert verdict(ONE.address, NEAR.address) == REDIRECT
    assert bed.from_device.test_run(ethernet(ANY_MAC, vxlan.BROADCAST, IPV6, bytes(40))).verdict == DROP
