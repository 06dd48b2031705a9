"""Frames built and read by hand, from RFC 791, 826, 1071 and 7348: nothing of the project's code is used."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

BROADCAST = "ff:ff:ff:ff:ff:ff"
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
VXLAN_PORT = 4789


def packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071): 0 over a header that carries its own right one."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source: str, destination: str, kind: int, payload: bytes) -> bytes:
    return packed_mac(destination) + packed_mac(source) + struct.pack("!H", kind) + payload


def ipv4(
    source: str, destination: str, payload: bytes = b"", *, protocol: int = 17, ttl: int = 64, tos: int = 0,
    fragment: int = 0,
) -> bytes:  # fmt: skip
    """Return an IPv4 packet; `fragment` is the word of flags and offset."""
    fields = (0x45, tos, 20 + len(payload), 0x1234, fragment, ttl, protocol)
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    header = struct.pack("!BBHHHBBH", *fields, 0) + addresses
    return struct.pack("!BBHHHBBH", *fields, checksum(header)) + addresses + payload


def udp(source: int, destination: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def arp(operation: int, sender: tuple[str, str], target: tuple[str, str]) -> bytes:
    """Return an ARP packet; sender and target are (MAC, address)."""
    ends = b"".join(packed_mac(mac) + socket.inet_aton(address) for mac, address in (sender, target))
    return struct.pack("!HHBBH", 1, IPV4, 6, 4, operation) + ends


def vxlan(vni: int, frame: bytes, flags: int = 0x08) -> bytes:
    return struct.pack("!B3xI", flags, vni << 8) + frame


@dataclass(frozen=True)
class Tunnelled:
    """A VXLAN packet, read: MACs and addresses of the underlay, and the tenant's frame."""

    macs: tuple[str, str]
    vteps: tuple[str, str]
    tos: int
    ttl: int
    source_port: int
    vni: int
    inner: bytes


def unpacked(frame: bytes) -> Tunnelled:
    """Read a VXLAN packet; every length, checksum and reserved field of it must be right."""
    destination, source, kind = struct.unpack_from("!6s6sH", frame)
    header = frame[14:34]
    version, tos, length, _, fragment, ttl, protocol = struct.unpack_from("!BBHHHBB", header)
    assert (kind, version, fragment, protocol) == (IPV4, 0x45, 0, 17)
    assert length == len(frame) - 14
    assert checksum(header) == 0
    source_port, port, datagram, sum_ = struct.unpack_from("!HHHH", frame, 34)
    assert (port, datagram, sum_) == (VXLAN_PORT, length - 20, 0)
    flags, reserved, vni_field = struct.unpack_from("!B3sI", frame, 42)
    assert (flags, reserved, vni_field & 0xFF) == (0x08, bytes(3), 0)
    vteps = (socket.inet_ntoa(header[12:16]), socket.inet_ntoa(header[16:20]))
    return Tunnelled(
        (source.hex(":"), destination.hex(":")), vteps, tos, ttl, source_port, vni_field >> 8, frame[50:]
    )
