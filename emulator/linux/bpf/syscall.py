"""The system call bpf(2), by ctypes.

Format: `union bpf_attr` of include/uapi/linux/bpf.h. Its fields depend on the command. The kernel writes
some answers back into it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from contextlib import suppress

from emulator.errors import KernelError, UnableError

MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE = 0, 1, 2, 3
PROG_LOAD, PROG_ATTACH = 5, 8
PROG_TEST_RUN = 10
PROG_GET_FD_BY_ID, MAP_GET_FD_BY_ID, OBJ_GET_INFO = 13, 14, 15
PROG_QUERY = 16
MAP_LOOKUP_BATCH, MAP_UPDATE_BATCH, MAP_DELETE_BATCH = 24, 26, 27
PROG_BIND_MAP = 35

_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}
"""Number of the system call by architecture: arch/*/entry/syscalls/syscall*.tbl, asm-generic/unistd.h."""
_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_INFO = struct.Struct("=IIQ")
_BY_ID = struct.Struct("=III")


def call(command: int, fields: bytes) -> tuple[int, bytes]:
    """Call the kernel with `fields` as the attribute union; return the error (0: none) and the union.

    The result of a call that succeeds and isn't 0 is a descriptor: see `bpf`.
    """
    result, union = _call(command, fields)
    return (ctypes.get_errno() if result < 0 else 0), union


def bpf(
    command: int, fields: bytes, op: str, target: str, log: ctypes.Array[ctypes.c_char] | None = None
) -> tuple[int, bytes]:
    """Call the kernel with `fields` as the attribute union; return its result and the union as it was left.

    `op` and `target` name the operation and its object in errors. `log` is the buffer that the verifier
    writes to, if `fields` points at one: its last lines become part of the error.
    Raises KernelError, or UnableError on an architecture whose call number isn't known.
    """
    result, union = _call(command, fields)
    if result < 0:
        code = ctypes.get_errno()
        raise KernelError(op, target, code, _last_lines(log.value) if log is not None else "")
    return result, union


def _call(command: int, fields: bytes) -> tuple[int, bytes]:
    number = _NUMBERS.get(platform.machine())
    if number is None:
        raise UnableError(f"bpf(2) has no known number on {platform.machine()}; use x86-64 or aarch64")
    union = ctypes.create_string_buffer(fields, len(fields))
    return int(_syscall(number, command, union, len(fields))), union.raw


def descriptor_by_id(command: int, number: int, op: str, target: str) -> int:
    """Return a descriptor of the object with the id `number`: a program or a map, by `command`."""
    return bpf(command, _BY_ID.pack(number, 0, 0), op, target)[0]


def object_info(descriptor: int, size: int, target: str) -> bytes:
    """Return the first `size` bytes of `struct bpf_map_info` or `struct bpf_prog_info` of a descriptor.

    Pointers in it are zero, so the kernel fills in counts and no lists.
    """
    return fill_info(descriptor, ctypes.create_string_buffer(size), target)


def fill_info(descriptor: int, info: ctypes.Array[ctypes.c_char], target: str) -> bytes:
    """Let the kernel fill in `info`, which may hold pointers to buffers for lists; return its bytes."""
    fields = _INFO.pack(descriptor, len(info), ctypes.addressof(info))
    bpf(OBJ_GET_INFO, fields, "inspect", target)
    return info.raw


def close_quietly(descriptor: int) -> None:
    """Close a descriptor; an error changes nothing about the object's end."""
    with suppress(OSError):
        os.close(descriptor)


def _last_lines(log: bytes, most: int = 12) -> str:
    """Return the end of the verifier's log: it names the instruction that was refused, and the reason."""
    lines = log.decode("utf-8", "replace").strip().splitlines()
    return "\n".join(lines[-most:])
