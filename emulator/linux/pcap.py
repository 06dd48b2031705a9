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
