"""What a light port sees of the frames on its compute host's device, made by hand from RFC 7348."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from emulator.linux.overlay.port_view import PortView

OWN = IPv4Address("10.0.0.2")
VIEW = PortView(7, OWN.packed)


def ip(source: str, target: str, protocol: int = 1, payload: bytes = b"") -> bytes:
    """Return an Ethernet frame with an IPv4 packet."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + head + IPv4Address(source).packed + IPv4Address(target).packed + payload


def vxlan(frame: bytes, vni: int, port: int = 4789) -> bytes:
    """Return `frame` in VXLAN over UDP."""
    payload = struct.pack("!HHHH", 40000, port, 16 + len(frame), 0) + struct.pack("!II", 0x08000000, vni << 8)
    return ip("172.16.0.2", "172.16.0.3", 17, payload + frame)


def test_frames_of_the_port_are_unpacked() -> None:
    for frame in (ip("10.0.0.2", "10.0.0.9"), ip("10.0.0.9", "10.0.0.2")):
        assert VIEW(vxlan(frame, 7)) == frame
        assert VIEW(frame) == frame, "between two ports of one host there is no VXLAN"


def test_frames_of_others_are_left_out() -> None:
    own = ip("10.0.0.2", "10.0.0.9")
    assert VIEW(vxlan(own, 8)) is None, "another VPC uses the same address"
    assert VIEW(vxlan(ip("10.0.0.3", "10.0.0.9"), 7)) is None
    assert VIEW(vxlan(own, 7, port=53)) is None, "a packet of the underlay"
    assert VIEW(b"") is None
    assert VIEW(vxlan(own, 7)[:48]) is None, "it ends within its headers"


def test_arp_for_the_port_is_its_own() -> None:
    def arp(sender: str, target: str) -> bytes:
        head = bytes(12) + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1)
        return head + bytes(6) + IPv4Address(sender).packed + bytes(6) + IPv4Address(target).packed

    assert VIEW(arp("10.0.0.9", "10.0.0.2")) is not None
    assert VIEW(arp("10.0.0.9", "10.0.0.3")) is None
