"""BPF maps: created, found again by id, written one by one, in batches, or through memory.

Formats: include/uapi/linux/bpf.h (`union bpf_attr`, `struct bpf_map_info`); for batches see
Documentation/bpf/map_hash.rst and kernel/bpf/syscall.c (`generic_map_update_batch`). Keys and values of
batches are numpy arrays whose items have the map's sizes.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import struct
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from emulator.closing import Closing
from emulator.errors import KernelError
from emulator.linux.bpf import syscall

HASH, ARRAY = 1, 2
NO_PREALLOC, MMAPABLE = 1 << 0, 1 << 10
ANY, NOEXIST, EXIST = 0, 1, 2
_NAME = 15
"""Longest name of a map or program: BPF_OBJ_NAME_LEN without its zero byte."""

_CREATE = struct.Struct("=IIIIIII16s")
_ELEMENT = struct.Struct("=IxxxxQQQ")
_BATCH = struct.Struct("=QQQQIIQQ")
_INFO = struct.Struct("=IIIIII16s")
_BUCKET = 4096
"""Elements that one call of a batch reads, at least: a bucket of a hash must fit as a whole."""


@dataclass(frozen=True)
class Description:
    """Facts of a map that don't change: sizes in bytes, `entries` at most."""

    name: str
    id: int
    kind: int
    key_size: int
    value_size: int
    entries: int
    flags: int


class Map(Closing):
    """A BPF map that this process holds open by `fd`. It lives as long as a program or process uses it."""

    def __init__(self, descriptor: int) -> None:
        self.fd = descriptor
        kind, number, key, value, entries, flags, name = _INFO.unpack(
            syscall.object_info(descriptor, _INFO.size, "a BPF map")
        )
        text = name.rstrip(b"\0").decode("ascii", "replace")
        self.description = Description(text, number, kind, key, value, entries, flags)

    @classmethod
    def create(
        cls, name: str, kind: int, key_size: int, value_size: int, entries: int, *, flags: int = 0
    ) -> Self:
        """Create a map; sizes in bytes, `entries` at most. Raises KernelError, ValueError for a long name."""
        packed = name.encode("ascii")
        if len(packed) > _NAME:
            raise ValueError(f"the name of a map has at most {_NAME} characters: {name}")
        fields = _CREATE.pack(kind, key_size, value_size, entries, flags, 0, 0, packed)
        return cls(syscall.bpf(syscall.MAP_CREATE, fields, "create BPF map", name)[0])

    @classmethod
    def from_id(cls, number: int) -> Self:
        """Open the map with this id. Raises KernelError (ENOENT) when it is gone."""
        return cls(
            syscall.descriptor_by_id(syscall.MAP_GET_FD_BY_ID, number, "open BPF map", f"with id {number}")
        )

    @property
    def name(self) -> str:
        """Name that it was created with."""
        return self.description.name

    @property
    def id(self) -> int:
        """Number that finds it again, from any process of root."""
        return self.description.id

    @property
    def memlock(self) -> int:
        """Memory that the kernel charges to the map, in bytes (Documentation/bpf: fdinfo)."""
        with open(f"/proc/self/fdinfo/{self.fd}", encoding="ascii") as text:
            return next(int(line.split()[1]) for line in text if line.startswith("memlock"))

    def close(self) -> None:
        """Close the descriptor. Arrays that `mapped` returned stay valid and keep the map alive."""
        if self.fd >= 0:
            syscall.close_quietly(self.fd)
            self.fd = -1

    def lookup(self, key: bytes) -> bytes | None:
        """Return the value of `key`; None when there is none."""
        value = ctypes.create_string_buffer(self.description.value_size)
        try:
            self._element(syscall.MAP_LOOKUP, "read", key, value)
        except KernelError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return value.raw

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> None:
        """Write one value; `flags` may demand that the key is new (NOEXIST) or there already (EXIST)."""
        self._check(len(value), self.description.value_size, "value")
        self._element(
            syscall.MAP_UPDATE, "write to", key, ctypes.create_string_buffer(value, len(value)), flags
        )

    def delete(self, key: bytes) -> bool:
        """Delete a key; return False when it wasn't there."""
        try:
            self._element(syscall.MAP_DELETE, "delete from", key, None)
        except KernelError as error:
            if error.errno == errno.ENOENT:
                return False
            raise
        return True

    def _element(
        self, command: int, op: str, key: bytes, value: ctypes.Array[ctypes.c_char] | None, flags: int = 0
    ) -> None:
        self._check(len(key), self.description.key_size, "key")
        key_buffer = ctypes.create_string_buffer(key, len(key))
        address = 0 if value is None else ctypes.addressof(value)
        self._call(command, op, _ELEMENT.pack(self.fd, ctypes.addressof(key_buffer), address, flags))

    def update_batch(self, keys: NDArray[Any], values: NDArray[Any], flags: int = ANY) -> None:
        """Write `values[i]` under `keys[i]` for all i, by one call: two arrays of one length.

        Raises KernelError at the first element that the kernel refuses (E2BIG: the map is full). Elements
        before it have been written.
        """
        keys, values = np.ascontiguousarray(keys), np.ascontiguousarray(values)
        self._check(keys.nbytes, self.description.key_size * len(keys), "keys")
        self._check(values.nbytes, self.description.value_size * len(keys), "values")
        self._batch(syscall.MAP_UPDATE_BATCH, "write to", keys, values.ctypes.data, flags)

    def delete_batch(self, keys: NDArray[Any]) -> None:
        """Delete `keys` by one call. Raises KernelError (ENOENT) at the first that isn't there."""
        keys = np.ascontiguousarray(keys)
        self._check(keys.nbytes, self.description.key_size * len(keys), "keys")
        self._batch(syscall.MAP_DELETE_BATCH, "delete from", keys, 0, 0)

    def _batch(self, command: int, op: str, keys: NDArray[Any], values: int, flags: int) -> None:
        if len(keys):
            fields = _BATCH.pack(0, 0, keys.ctypes.data, values, len(keys), self.fd, flags, 0)
            self._call(command, op, fields)

    def _call(self, command: int, op: str, fields: bytes) -> None:
        code, _ = syscall.call(command, fields)
        if code:
            full = f"it is full: {self.description.entries} entries" if code == errno.E2BIG else ""
            raise KernelError(op, f"BPF map {self.name}", code, full)

    def lookup_batch(self, key: DTypeLike, value: DTypeLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return all keys and values, as arrays with items of the types `key` and `value`.

        Elements that are written meanwhile may be missing.
        """
        keys = np.empty(self.description.entries + _BUCKET, np.dtype(key))
        values = np.empty(len(keys), np.dtype(value))
        self._check(keys.itemsize, self.description.key_size, "key")
        self._check(values.itemsize, self.description.value_size, "value")
        token = ctypes.create_string_buffer(max(self.description.key_size, 8))
        found, begun = 0, 0
        while found + 1 < len(keys):  # each call returns elements, or ends the loop
            fields = _BATCH.pack(
                begun, ctypes.addressof(token), keys[found:].ctypes.data, values[found:].ctypes.data,
                len(keys) - found, self.fd, 0, 0,
            )  # fmt: skip
            count, ended = self._read(fields)
            found += count
            if ended or not count:
                break
            begun = ctypes.addressof(token)
        return keys[:found].copy(), values[:found].copy()

    def _read(self, fields: bytes) -> tuple[int, bool]:
        """Read one batch; return its length, and whether it was the last."""
        code, union = syscall.call(syscall.MAP_LOOKUP_BATCH, fields)
        if code not in {0, errno.ENOENT}:  # ENOENT: this batch was the last
            raise KernelError("read", f"BPF map {self.name}", code)
        return _BATCH.unpack(union)[4], code == errno.ENOENT

    def mapped(self, dtype: DTypeLike) -> NDArray[Any]:
        """Return the values of an array map as memory: one item of `dtype` per entry, writable.

        The map must have been created with MMAPABLE. Stores take effect at once, without a system call.
        """
        kind = np.dtype(dtype)
        self._check(kind.itemsize, self.description.value_size, "value")
        if kind.itemsize % 8:
            raise ValueError("values of an array lie 8 bytes apart or a multiple of it")
        size = -(-kind.itemsize * self.description.entries // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            memory = mmap.mmap(self.fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as error:
            raise KernelError("map into memory", f"BPF map {self.name}", error.errno or errno.EIO) from error
        return np.frombuffer(memory, kind, self.description.entries)

    def _check(self, size: int, wanted: int, what: str) -> None:
        if size != wanted:
            raise ValueError(f"BPF map {self.name}: {what} of {size} bytes instead of {wanted}")
