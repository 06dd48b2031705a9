"""BPF programs and maps of this machine, by the kernel's own lists: bpf(2) with BPF_*_GET_NEXT_ID.

Nothing is read through the emulator's own code.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NUMBER = {"x86_64": 321, "aarch64": 280}
_PROG_NEXT, _MAP_NEXT, _PROG_FD, _MAP_FD, _INFO = 11, 12, 13, 14, 15
_PROG_INFO, _MAP_INFO = struct.Struct("=II8sIIQQQIIQ16s"), struct.Struct("=IIIIII16s")
_syscall = ctypes.CDLL(None, use_errno=True).syscall


class BpfObject(NamedTuple):
    """A program or map; `entries` is the size of a map, 0 for a program."""

    kind: str
    number: int
    name: str
    entries: int

    def __str__(self) -> str:
        return f"BPF {self.kind} {self.number} ({self.name})"


def bpf_objects() -> frozenset[BpfObject]:
    """Return all programs and maps; none for an unprivileged process."""
    return frozenset((*_listed("map", _MAP_NEXT, _MAP_FD), *_listed("program", _PROG_NEXT, _PROG_FD)))


def gone_within(seconds: float, found: Iterable[BpfObject]) -> frozenset[BpfObject]:
    """Return which of `found` exist after so long: the kernel frees them some moments after their use."""
    deadline = time.monotonic() + seconds
    while (left := bpf_objects() & set(found)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _listed(kind: str, following: int, opening: int) -> Iterator[BpfObject]:
    number = 0
    while True:
        attributes = ctypes.create_string_buffer(struct.pack("=III", number, 0, 0), 12)
        if _syscall(_NUMBER[platform.machine()], following, attributes, 12) < 0:
            return
        number = struct.unpack_from("=I", attributes.raw, 4)[0]
        descriptor = _syscall(
            _NUMBER[platform.machine()],
            opening,
            ctypes.create_string_buffer(struct.pack("=III", number, 0, 0)),
            12,
        )
        if descriptor < 0:
            continue  # gone meanwhile
        try:
            yield _described(kind, number, descriptor)
        finally:
            os.close(descriptor)


def _described(kind: str, number: int, descriptor: int) -> BpfObject:
    layout = _PROG_INFO if kind == "program" else _MAP_INFO
    info = ctypes.create_string_buffer(layout.size)
    request = ctypes.create_string_buffer(struct.pack("=IIQ", descriptor, len(info), ctypes.addressof(info)))
    assert _syscall(_NUMBER[platform.machine()], _INFO, request, 16) == 0, ctypes.get_errno()
    fields = layout.unpack(info.raw)
    name = fields[11 if kind == "program" else 6].rstrip(b"\0").decode()
    return BpfObject(kind, number, name, 0 if kind == "program" else fields[4])
