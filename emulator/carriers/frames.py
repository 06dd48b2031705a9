"""Frames between a worker and the process that it started: a letter, a length, and that many bytes.

To the process: `A` call (JSON), `D` data, `C` cancel. Back: `P` progress (JSON), then `D` data and `R` answer
(JSON), or `E` error (JSON). The end of the stream means that the other side has ended.
"""

from __future__ import annotations

import json
import struct
from typing import BinaryIO, NamedTuple

from emulator.errors import BrokenError, EmulationError
from emulator.tasks import Plain

_HEAD = struct.Struct("!cQ")

MOST_DATA = 2 << 30
"""Bytes of data of a call or an answer."""
_MOST_JSON = 64 << 20
_MOST = {b"D": MOST_DATA}


class Frame(NamedTuple):
    """One frame."""

    kind: bytes
    body: bytes

    @property
    def plain(self) -> Plain:
        """The body's plain data; BrokenError if it holds none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BrokenError(f"a process of a worker wrote no JSON: {error}") from error


def write_frame(stream: BinaryIO, kind: bytes, body: bytes = b"") -> None:
    """Write one frame and flush it; OSError, BrokenError for one that is too large."""
    if len(body) > _MOST.get(kind, _MOST_JSON):
        raise BrokenError(
            f"{len(body):,} bytes are too many for one call; at most {_MOST.get(kind, _MOST_JSON):,}"
        )
    stream.write(_HEAD.pack(kind, len(body)))
    stream.write(body)
    stream.flush()


def write_plain(stream: BinaryIO, kind: bytes, value: Plain) -> None:
    """Write plain data as one frame."""
    write_frame(stream, kind, plain_bytes(value))


def plain_bytes(value: Plain) -> bytes:
    """Return plain data as JSON; BrokenError if it isn't plain."""
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise BrokenError(f"what goes between machines must be plain data: {error}") from error


def read_frame(stream: BinaryIO) -> Frame | None:
    """Return the next frame, None at the end of the stream; EmulationError for what isn't a frame."""
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    kind, length = _HEAD.unpack(head)
    if length > _MOST.get(kind, _MOST_JSON):
        raise EmulationError(f"a process of a worker announced {length:,} bytes; that isn't a frame")
    body = _exactly(stream, length)
    return None if body is None else Frame(kind, body)


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    """Return `size` bytes, None if the stream ends before."""
    data = stream.read(size) if size else b""
    return data if len(data) == size else None
