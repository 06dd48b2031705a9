"""Files of recorded packets, in libpcap's format (draft-ietf-opsawg-pcap).

A header of 24 bytes, then each packet with its time, captured length and original length. The magic number
marks times as nanoseconds.
"""

from __future__ import annotations

import struct

from emulator.access import BinaryWriter

MAGIC_NANOSECONDS = 0xA1B23C4D
SNAP_LENGTH = 262_144
_ETHERNET = 1
_FILE_HEADER = struct.Struct("=IHHiIII")
_PACKET_HEADER = struct.Struct("=IIII")


class Writer:
    """Writes a pcap file, packet by packet."""

    def __init__(self, file: BinaryWriter) -> None:
        self._file = file
        self.packets = 0
        file.write(_FILE_HEADER.pack(MAGIC_NANOSECONDS, 2, 4, 0, 0, SNAP_LENGTH, _ETHERNET))
        file.flush()

    def write(self, nanoseconds: int, packet: bytes, length: int) -> None:
        """Append a packet: `packet` is the captured part, `length` the original length in bytes."""
        seconds, rest = divmod(nanoseconds, 10**9)
        self._file.write(_PACKET_HEADER.pack(seconds & 0xFFFFFFFF, rest, len(packet), length) + packet)
        self.packets += 1

    def flush(self) -> None:
        """Flush buffered packets to the file."""
        self._file.flush()


class Counter:
    """Passes a pcap file of this machine's byte order on to `file`, and counts its packets."""

    def __init__(self, file: BinaryWriter) -> None:
        self._file = file
        self._skip, self._head = _FILE_HEADER.size, b""
        self.packets = 0

    def write(self, data: bytes) -> None:
        """Pass a piece of the file on."""
        self._file.write(data)
        at = 0
        while at < len(data):
            passed = min(self._skip, len(data) - at)
            self._skip, at = self._skip - passed, at + passed
            part = data[at : at + _PACKET_HEADER.size - len(self._head)]
            self._head, at = self._head + part, at + len(part)
            if len(self._head) == _PACKET_HEADER.size:
                self._skip, self._head = _PACKET_HEADER.unpack(self._head)[2], b""
                self.packets += 1

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()
