"""Checksums that leave computed: what `ethtool -K IF tx off` does, without a process an interface.

include/uapi/linux/ethtool.h; the ioctl takes a `struct ifreq` whose data points to the command.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Iterable

from emulator.errors import KernelError

_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17


def compute_checksums(interfaces: Iterable[str]) -> None:
    """Have the kernel compute the checksums of what it sends by `interfaces` of this thread's namespace.

    Interfaces that aren't there are passed over: links come and go. Raises KernelError.
    """
    value = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_STXCSUM, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asker:
        for name in interfaces:
            request = (
                struct.pack("=16s", name.encode()) + struct.pack("@P", ctypes.addressof(value)) + bytes(16)
            )
            try:
                fcntl.ioctl(asker, _SIOCETHTOOL, request)
            except OSError as error:
                if error.errno not in {errno.ENODEV, errno.EOPNOTSUPP}:
                    raise KernelError("turn off tx checksum offload of", name, error.errno or 0) from error
