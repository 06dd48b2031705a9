"""Compute checksums before sending, like `ethtool -K IF tx off`, without a process per interface.

include/uapi/linux/ethtool.h; the ioctl takes a `struct ifreq` whose data points to the command.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator

from emulator.errors import KernelError

_SIOCETHTOOL = 0x8946
_ETHTOOL_GTXCSUM = 0x16
_ETHTOOL_STXCSUM = 0x17
_VALUE = struct.Struct("=II")


def compute_checksums(interfaces: Iterable[str]) -> None:
    """Make the kernel compute checksums of packets that `interfaces` of this thread's namespace send.

    Missing interfaces are skipped, because links come and go. Raises KernelError.
    """
    for _ in _each(interfaces, _ETHTOOL_STXCSUM, "turn off tx checksum offload of"):
        pass


def offloaded(interfaces: Iterable[str]) -> list[str]:
    """Return those `interfaces` of this thread's namespace that leave checksums to the hardware.

    Missing interfaces are skipped. Raises KernelError.
    """
    return [name for name, on in _each(interfaces, _ETHTOOL_GTXCSUM, "read tx checksum offload of") if on]


def _each(interfaces: Iterable[str], command: int, words: str) -> Iterator[tuple[str, int]]:
    """Execute `command` with the value 0 on each interface; yield the kernel's result for each."""
    value = ctypes.create_string_buffer(_VALUE.size)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asker:
        for name in interfaces:
            value.raw = _VALUE.pack(command, 0)
            request = (
                struct.pack("=16s", name.encode()) + struct.pack("@P", ctypes.addressof(value)) + bytes(16)
            )
            try:
                fcntl.ioctl(asker, _SIOCETHTOOL, request)
            except OSError as error:
                if error.errno not in {errno.ENODEV, errno.EOPNOTSUPP}:
                    raise KernelError(words, name, error.errno or 0) from error
                continue
            yield name, _VALUE.unpack(value.raw)[1]
