"""OpenFlow messages of a learning controller, for the versions 1.0, 1.3 and 1.4.

Each function takes or returns a complete message in network byte order. Layouts: OpenFlow Switch
Specification 1.0.0, section 5, and 1.3.5, section 7; 1.4 doesn't differ in the parts used here. Ethernet
addresses have 6 bytes; ports are the switch's numbers.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

V10, V13, V14 = 1, 4, 5
VERSIONS = {"OpenFlow10": V10, "OpenFlow13": V13, "OpenFlow14": V14}
"""Version numbers on the wire, by the words of a file's `protocols`."""


class Type(IntEnum):
    """Message types; those used here have the same number in all versions."""

    HELLO = 0
    ECHO_REQUEST = 2
    ECHO_REPLY = 3
    FEATURES_REQUEST = 5
    SET_CONFIG = 9
    PACKET_IN = 10
    PORT_STATUS = 12
    PACKET_OUT = 13
    FLOW_MOD = 14


_ADD, _DELETE = 0, 3
_NO_BUFFER = 0xFFFFFFFF
_WHOLE = 0xFFFF
_FLOOD = 0xFFFFFFFB  # in version 1.0 ports are the lower 16 bits of these
_CONTROLLER = 0xFFFFFFFD
_TABLES = 0xFFFFFFF9
_ANY = 0xFFFFFFFF
_IDLE = 60
"""Seconds after which an unused flow expires (version 1.0)."""
_HEARD, _SOUGHT = 240, 300
"""Seconds after which a source is learned again, and after which an unused destination expires."""

HEADER = Struct("!BBHI")
_MATCH10 = Struct("!IH6s6s22x")
_FLOW10 = Struct("!8xHHHHIHH")
_FLOW13 = Struct("!16xBBHHHIIIH2x")
_HAS_PORT, _HAS_SOURCE, _HAS_DESTINATION, _ALL10 = 1 << 0, 1 << 2, 1 << 3, 0x3FFFFF
_OXM_PORT, _OXM_DESTINATION, _OXM_SOURCE = 0x80000004, 0x80000606, 0x80000806
_OXM_DESTINATIONS = 0x8000070C  # with a mask
_LOCAL = bytes.fromhex("0180c2000000fffffffffff0")
_EVERY_TABLE = 0xFF


class Frame(NamedTuple):
    """A frame from a switch: the port where it came in, and its bytes."""

    port: int
    data: bytes


def message(version: int, kind: Type, body: bytes = b"", xid: int = 0) -> bytes:
    """Return `body` with the header of a message."""
    return HEADER.pack(version, kind, HEADER.size + len(body), xid) + body


def hello() -> bytes:
    """Return the first message: the supported versions, as a bitmap (1.3.5, 7.5.1)."""
    bitmap = sum(1 << version for version in VERSIONS.values())
    return message(max(VERSIONS.values()), Type.HELLO, Struct("!HHI").pack(1, 8, bitmap))


def common_version(heard: bytes) -> int | None:
    """Return the highest version supported by both this controller and the sender, or None (1.3.5, 6.3.1)."""
    theirs = set(range(1, heard[0] + 1))
    if len(heard) >= 16 and heard[8:10] == b"\0\1":
        bitmap = int.from_bytes(heard[12:16], "big")
        theirs = {version for version in range(1, 32) if bitmap >> version & 1}
    elif heard[0] not in VERSIONS.values():
        theirs = {min(heard[0], max(VERSIONS.values()))}  # without a bitmap the lower of both is used
    return max(theirs.intersection(VERSIONS.values()), default=None)


def greeting(version: int) -> bytes:
    """Return the first commands to a switch: delete all flows, and send complete unmatched frames here."""
    whole = message(version, Type.SET_CONFIG, Struct("!HH").pack(0, _WHOLE))
    clean = delete_flows(version)
    if version == V10:
        return whole + clean
    unknown = _flow13(version, _ADD, b"", _apply(version, _CONTROLLER))
    flood = _flow13(version, _ADD, b"", _apply(version, _FLOOD), table=1)
    local = _flow13(version, _ADD, _oxm(_OXM_DESTINATIONS, _LOCAL), priority=2)
    return whole + clean + unknown + flood + local


def pair_flow(port: int, source: bytes, destination: bytes, out: int | None) -> bytes:
    """Return version 1.0's flow for frames from `source` at `port`: out of port `out`, None is all others."""
    wildcards = _ALL10 & ~(_HAS_PORT | _HAS_SOURCE | _HAS_DESTINATION)
    match = _MATCH10.pack(wildcards, port, source, destination)
    return _flow10(_ADD, match, _FLOOD if out is None else out)


def learned_flows(version: int, address: bytes, port: int) -> bytes:
    """Return the flows that tell a switch of version 1.3 or 1.4 that `address` is behind `port`.

    The first table knows sources and asks about others. The second one knows destinations.
    """
    match = Struct("!II").pack(_OXM_PORT, port) + _oxm(_OXM_SOURCE, address)
    goto = Struct("!HHB3x").pack(1, 8, 1)
    source = _flow13(version, _ADD, match, goto, priority=1, hard=_HEARD)
    match = _oxm(_OXM_DESTINATION, address)
    return source + _flow13(version, _ADD, match, _apply(version, port), table=1, priority=1, idle=_SOUGHT)


def delete_flows(version: int, address: bytes | None = None) -> bytes:
    """Return a message that deletes all flows from and to `address` (None: all flows)."""
    if version == V10:
        if address is None:
            return _flow10(_DELETE, _MATCH10.pack(_ALL10, 0, bytes(6), bytes(6)))
        ways = (_ALL10 & ~_HAS_SOURCE, _ALL10 & ~_HAS_DESTINATION)
        return b"".join(_flow10(_DELETE, _MATCH10.pack(way, 0, address, address)) for way in ways)
    if address is None:
        return _flow13(version, _DELETE, b"", table=_EVERY_TABLE)
    ways = (_OXM_SOURCE, _OXM_DESTINATION)
    return b"".join(_flow13(version, _DELETE, _oxm(way, address), table=_EVERY_TABLE) for way in ways)


def send_frame(version: int, frame: Frame, out: int | None = None) -> bytes:
    """Return a message that makes the switch send `frame`.

    Version 1.0: out of port `out`, None is all others. Later versions: as their tables say.
    """
    if version == V10:
        actions = _output(version, _FLOOD if out is None else out)
        head = Struct("!IHH").pack(_NO_BUFFER, frame.port, len(actions))
    else:
        actions = _output(version, _TABLES)
        head = Struct("!IIH6x").pack(_NO_BUFFER, frame.port, len(actions))
    return message(version, Type.PACKET_OUT, head + actions + frame.data)


def frame_in(heard: bytes) -> Frame | None:
    """Return the frame in a packet-in; None if the message is malformed."""
    if heard[0] == V10:
        return Frame(int.from_bytes(heard[14:16], "big"), heard[18:]) if len(heard) >= 18 + 14 else None
    length = int.from_bytes(heard[26:28], "big")
    fields, data = heard[28 : 24 + length], heard[24 + -(-length // 8) * 8 + 2 :]
    while len(fields) >= 8:
        size = 4 + fields[3]
        if int.from_bytes(fields[:4], "big") == _OXM_PORT:
            return Frame(int.from_bytes(fields[4:8], "big"), data) if len(data) >= 14 else None
        fields = fields[size:]
    return None


def lost_port(heard: bytes) -> int | None:
    """Return the port that a port-status reports as gone or down; otherwise None."""
    v10 = heard[0] == V10
    at = 16
    port = int.from_bytes(heard[at : at + (2 if v10 else 4)], "big")
    state = at + (28 if v10 else 36)
    down = int.from_bytes(heard[state : state + 4], "big") & 1
    return port if heard[8] == 1 or down else None


def _flow10(command: int, match: bytes, out: int | None = None) -> bytes:
    fields = _FLOW10.pack(command, _IDLE, 0, 1, _NO_BUFFER, _ANY & 0xFFFF, 0)
    return message(V10, Type.FLOW_MOD, match + fields + (b"" if out is None else _output(V10, out)))


def _flow13(
    version: int, command: int, fields: bytes, instruction: bytes = b"", *,
    table: int = 0, priority: int = 0, idle: int = 0, hard: int = 0,
) -> bytes:  # fmt: skip
    head = _FLOW13.pack(table, command, idle, hard, priority, _NO_BUFFER, _ANY, _ANY, 0)
    match = Struct("!HH").pack(1, 4 + len(fields)) + fields
    return message(version, Type.FLOW_MOD, head + match + bytes(-len(match) % 8) + instruction)


def _apply(version: int, port: int) -> bytes:
    actions = _output(version, port)
    return Struct("!HH4x").pack(4, 8 + len(actions)) + actions


def _output(version: int, port: int) -> bytes:
    if version == V10:
        return Struct("!HHHH").pack(0, 8, port & 0xFFFF, _WHOLE)
    return Struct("!HHIH6x").pack(0, 16, port, _WHOLE)


def _oxm(header: int, value: bytes) -> bytes:
    return header.to_bytes(4, "big") + value
