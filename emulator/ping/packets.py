"""Packets on a raw ICMP socket that matter to ping: replies and errors (RFC 792, RFC 4443)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from emulator.icmp import reply_of

_SOL_RAW = 255
_IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 51, 52
_ECHO = struct.Struct("!BBHHH")
_UNREACHABLE = {
    0: "Destination Net Unreachable",
    1: "Destination Host Unreachable",
    2: "Destination Protocol Unreachable",
    3: "Destination Port Unreachable",
    4: "Frag needed and DF set",
    5: "Source Route Failed",
    9: "Destination Net Prohibited",
    10: "Destination Host Prohibited",
    13: "Packet filtered",
}
_UNREACHABLE6 = {
    0: "No route", 1: "Administratively prohibited", 2: "Beyond scope of source address",
    3: "Address unreachable", 4: "Port unreachable",
}  # fmt: skip
_ERRORS = {4: (3, 11), 6: (1, 2, 3)}
_REPLY = {4: 0, 6: 129}
_REQUEST = {4: 8, 6: 128}


class Heard(NamedTuple):
    """Packet about request `seq`: a reply of `size` bytes, or a reported error, `trouble`."""

    seq: int
    size: int
    ttl: int
    trouble: str = ""


def listen(sock: socket.socket, version: int) -> None:
    """Let a raw socket receive only replies and errors."""
    kinds = (_REPLY[version], *_ERRORS[version])
    if version == 4:
        passed = sum(1 << kind for kind in kinds)
        sock.setsockopt(_SOL_RAW, 1, struct.pack("=I", 0xFFFFFFFF & ~passed))
        return
    blocked = [0xFFFFFFFF] * 8
    for kind in kinds:
        blocked[kind >> 5] &= ~(1 << (kind & 31))
    sock.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack("=8I", *blocked))
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)


def heard(version: int, packet: bytes, extra: list[tuple[int, int, bytes]], ident: int) -> Heard | None:
    """Return the content of `packet` about a request of `ident`; None if it belongs to another ping."""
    if len(packet) < 8:
        return None
    start = (packet[0] & 15) * 4 if version == 4 else 0
    ttl = packet[8] if version == 4 and len(packet) > 8 else _hop_limit(extra)
    seq = reply_of(version, packet, ident)
    if seq is not None:
        return Heard(seq, len(packet) - start, ttl)
    body = packet[start:]
    if len(body) < 8 or body[0] not in _ERRORS[version]:
        return None
    quoted = body[8:]
    at = 40 if version == 6 else (quoted[0] & 15) * 4 if quoted else 0
    if len(quoted) < at + _ECHO.size:
        return None
    kind, _code, _sum, number, seq = _ECHO.unpack_from(quoted, at)
    if kind != _REQUEST[version] or number != ident:
        return None
    return Heard(seq, len(body), ttl, _trouble(version, body[0], body[1]))


def _hop_limit(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if level == socket.IPPROTO_IPV6 and kind == _IPV6_HOPLIMIT and len(data) >= 4:
            return int(struct.unpack_from("=i", data)[0])
    return 0


def _trouble(version: int, kind: int, code: int) -> str:
    if version == 4:
        words = _UNREACHABLE.get(code, f"Dest Unreachable, Bad Code: {code}")
        return words if kind == 3 else "Time to live exceeded"
    if kind == 1:
        return f"Destination unreachable: {_UNREACHABLE6.get(code, f'Unknown code {code}')}"
    return "Packet too big" if kind == 2 else "Time exceeded: Hop limit"
