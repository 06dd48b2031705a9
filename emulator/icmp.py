"""ICMP echo packets (RFC 792, RFC 4443). Pure: sockets are opened elsewhere."""

from __future__ import annotations

import socket
import struct

_ECHO = struct.Struct("!BBHHH")
_ICMP_FILTER = 1
_ICMP6_FILTER = 1
_SOL_RAW = 255


def checksum(data: bytes) -> int:
    """Return the internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)


def echo_request(version: int, ident: int, seq: int, payload: bytes = b"emulator-check--") -> bytes:
    """Return an echo request; the kernel fills in the checksum of ICMPv6."""
    kind = 8 if version == 4 else 128
    body = _ECHO.pack(kind, 0, 0, ident, seq) + payload
    return body if version == 6 else body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def reply_of(version: int, packet: bytes, ident: int) -> int | None:
    """Return the sequence number of an echo reply to `ident`, or None for anything else."""
    at = (packet[0] & 15) * 4 if version == 4 else 0
    if len(packet) < at + _ECHO.size:
        return None
    kind, _code, _sum, number, seq = _ECHO.unpack_from(packet, at)
    return seq if kind == (0 if version == 4 else 129) and number == ident else None


def reply_numbers(version: int, packet: bytes) -> tuple[int, int] | None:
    """Return (identifier, sequence number) of an echo reply, or None for anything else."""
    at = (packet[0] & 15) * 4 if version == 4 else 0
    if len(packet) < at + _ECHO.size:
        return None
    kind, _code, _sum, number, seq = _ECHO.unpack_from(packet, at)
    return (number, seq) if kind == (0 if version == 4 else 129) else None


def listen_for_replies(sock: socket.socket) -> None:
    """Let a raw ICMP socket receive echo replies only (ICMP_FILTER, ICMP6_FILTER)."""
    if sock.family == socket.AF_INET:
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~1))
        return
    pass_only = [0xFFFFFFFF] * 8
    pass_only[129 >> 5] &= ~(1 << (129 & 31))
    sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *pass_only))


def protocol(version: int) -> tuple[int, int]:
    """Return (address family, protocol) of a raw ICMP socket for IP `version`."""
    if version == 4:
        return socket.AF_INET, socket.IPPROTO_ICMP
    return socket.AF_INET6, socket.IPPROTO_ICMPV6
