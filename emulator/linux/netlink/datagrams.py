"""Parse netlink datagrams into messages and check all lengths. Pure.

include/uapi/linux/netlink.h: messages follow each other. Each has a header with its length and starts at
a multiple of four bytes.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from typing import NamedTuple

from emulator.errors import KernelError

HEADER = struct.Struct("=IHHII")
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4
_CODE = struct.Struct("=i")


class Message(NamedTuple):
    """One message; `data` contains the header too."""

    kind: int
    flags: int
    seq: int
    data: bytes

    @property
    def body(self) -> bytes:
        """Bytes after the header."""
        return self.data[HEADER.size :]

    @property
    def error(self) -> int:
        """Return the errno of an NLMSG_ERROR or NLMSG_DONE, 0 on success."""
        if len(self.data) >= HEADER.size + _CODE.size:
            return max(0, -int(_CODE.unpack_from(self.data, HEADER.size)[0]))
        if self.kind == NLMSG_ERROR:
            raise _broken(f"an answer of {len(self.data)} bytes has no error code")
        return 0


def messages_in(data: bytes) -> Iterator[Message]:
    """Yield the messages of a datagram.

    Raises KernelError (EBADMSG) at an impossible length. A length shorter than a header would cause an
    endless loop. A length beyond the remaining bytes means that the datagram was cut off.
    """
    at = 0
    while at < len(data):
        left = len(data) - at
        if left < HEADER.size:
            raise _broken(f"{left} bytes are left, which is no header")
        length, kind, flags, seq, _port = HEADER.unpack_from(data, at)
        if not HEADER.size <= length <= left:
            raise _broken(f"a message says that it has {length} bytes, and {left} are left")
        yield Message(kind, flags, seq, data[at : at + length])
        at += (length + 3) & ~3


def _broken(words: str) -> KernelError:
    return KernelError("read", "the kernel's answer", errno.EBADMSG, words)
