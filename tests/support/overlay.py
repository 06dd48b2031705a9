"""A small network of light ports in maps, for programs that are run on single packets."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from emulator.linux.bpf.program import Program
from emulator.linux.bpf.support import lacking_bpf
from emulator.linux.overlay import maps as overlay
from emulator.linux.overlay.maps import DOWN, OverlayMaps
from emulator.linux.overlay.programs import load_programs
from support import vxlan
from support.vxlan import IPV4, ethernet, ipv4, udp

NEEDS_BPF = pytest.mark.skipif(os.geteuid() == 0 and lacking_bpf() is not None, reason="no BPF here")

SPACE = 5
HERE, NEIGHBOUR, FAR = "172.16.0.1", "172.16.0.2", "172.17.0.9"
UPLINK_MAC, GATEWAY_MAC, NEIGHBOUR_MAC = "02:ff:00:00:00:01", "02:fe:00:00:00:01", "02:ff:00:00:00:02"
LOOPBACK = 1
"""Device of a test run that names none."""
PASS, DROP, LOSE, REDIRECT = 0, 2, 4, 7
"""TC_ACT_OK, TC_ACT_SHOT, TC_ACT_STOLEN, TC_ACT_REDIRECT (include/uapi/linux/pkt_cls.h)."""
NO_WAY = {"from_stack": LOSE, "from_device": DROP}
"""Verdict on packets that may not pass: a sender in the stack gets no error."""
STACK_MARK, DEVICE_MARK = 0x656D0001, 0x656D0002
ANY_MAC = "02:00:00:00:00:01"


@dataclass(frozen=True)
class Port:
    address: str
    vtep: str
    device: int
    vni: int = 7
    subnet: int = 1

    @property
    def mac(self) -> str:
        return (b"\x02\0" + ipaddress.ip_address(self.address).packed).hex(":")

    @property
    def slot(self) -> int:
        return int(ipaddress.ip_address(self.address)) - int(ipaddress.ip_address("10.0.0.0"))


def number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def add_port(maps: OverlayMaps, port: Port) -> None:
    """Write a port into its slot; its page must be there."""
    entry = maps.ports[port.slot]
    entry["mac"] = list(bytes.fromhex(port.mac.replace(":", "")))
    entry["vni"], entry["subnet"] = port.vni, port.subnet
    maps.ports["place"][port.slot] = overlay.place(port.device, number(port.vtep))


def device(vtep: str, uplink: int, mac: str, gateway: str, netmask: str = "255.255.255.0") -> bytes:
    """Return the entry of a device, packed."""
    macs = [list(bytes.fromhex(text.replace(":", ""))) for text in (mac, gateway)]
    return np.array([(SPACE, number(vtep), uplink, number(netmask), *macs)], overlay.DEVICE).tobytes()


def fill(maps: OverlayMaps, vnis: tuple[int, ...] = (7, 8)) -> None:
    """Add 512 addresses from 10.0.0.0 on, and VPCs, to one address space."""
    keys = overlay.page_keys(SPACE, number("10.0.0.0"), 8)
    maps.pages.update_batch(keys, np.arange(0, 512, 64, dtype=np.uint32))
    spaces = np.full(len(vnis), SPACE, np.uint32)
    maps.vnis.update_batch(np.array(vnis, np.uint32), spaces)


ONE = Port("10.0.0.1", HERE, LOOPBACK)
TWO = Port("10.0.0.2", HERE, LOOPBACK)
NEAR = Port("10.0.0.3", NEIGHBOUR, 50)
ROUTED = Port("10.0.1.4", FAR, 60, subnet=2)
STRANGER = Port("10.0.0.5", NEIGHBOUR, 50, vni=8)
BEHIND = Port("10.0.0.6", HERE, 70)
STRANGER_HERE = Port("10.0.0.7", HERE, LOOPBACK, vni=8)
PORTS = (ONE, TWO, NEAR, ROUTED, STRANGER, BEHIND, STRANGER_HERE)
NOBODY = "10.0.0.60"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing is bound


class Bed:
    """Maps with a few ports, and the programs."""

    def __init__(self, maps: OverlayMaps) -> None:
        self.maps = maps
        programs = load_programs(maps)
        self.from_stack = Program(programs.from_stack)
        self.from_device = Program(programs.from_device)
        self.from_wire = Program(programs.from_wire)
        self.counted = maps.ports["dropped"].copy()

    def close(self) -> None:
        for program in (self.from_stack, self.from_device, self.from_wire):
            program.close()

    def down(self, port: Port) -> None:
        self.maps.ports["flags"][port.slot] |= DOWN

    def counters(self, port: Port) -> tuple[int, int, int, int]:
        """Return packets and bytes received, packets and bytes sent."""
        names = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes")
        entry = self.maps.ports[port.slot]
        return tuple(int(entry[name]) for name in names)  # type: ignore[return-value]

    def dropped(self) -> dict[str, int]:
        """Return the ports that counted dropped packets, since the last call."""
        new = self.maps.ports["dropped"] - self.counted
        self.counted = self.maps.ports["dropped"].copy()
        return {port.address: int(new[port.slot]) for port in PORTS if new[port.slot]}


@contextmanager
def small_bed() -> Iterator[Bed]:
    with OverlayMaps.create(512, 16, 4) as maps:
        fill(maps)
        for port in PORTS:
            add_port(maps, port)
        maps.devices.update(struct.pack("=I", LOOPBACK), device(HERE, LOOPBACK, UPLINK_MAC, GATEWAY_MAC))
        peer = vxlan.packed_mac(NEIGHBOUR_MAC) + bytes(2)
        maps.peers.update(socket.inet_aton(NEIGHBOUR), peer)
        made = Bed(maps)
        yield made
        made.close()


def packet(source: Port | str, destination: Port | str, **fields: int) -> bytes:
    """Return a UDP packet as the stack of a compute host sends it."""
    addresses = [end if isinstance(end, str) else end.address for end in (source, destination)]
    inner = ipv4(addresses[0], addresses[1], udp(1000, 2000, b"payload"), **fields)
    return ethernet(UPLINK_MAC, ANY_MAC, IPV4, inner)


def on_wire(
    destination: Port, frame: bytes, *, vni: int = 7, vtep: str = HERE, flags: int = 8, tos: int = 0
) -> bytes:
    """Return what a peer sends for `destination`: an IPv4 packet, or a whole frame of another kind."""
    whole = (
        frame
        if frame[12:14] in (b"\x08\x06", b"\x86\xdd")
        else ethernet(NEAR.mac, destination.mac, IPV4, frame)
    )
    outer = ipv4(NEIGHBOUR, vtep, udp(40_000, 4789, vxlan.vxlan(vni, whole, flags)), tos=tos)
    return ethernet(NEIGHBOUR_MAC, UPLINK_MAC, IPV4, outer)
