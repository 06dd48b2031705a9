"""Cut large UDP packets before sending, like `ethtool -K IF tx-udp-segmentation off`, without a process.

A program can't take the marks of a tunnel off a large packet that it unpacked. TCP doesn't mind, but a large
UDP packet (UDP_SEGMENT, as QUIC sends it) is lost then: 40 of 40 datagrams, measured on Linux 6.18. On an
uplink that cuts them, all arrive, and TCP keeps its large packets.

Format: include/uapi/linux/ethtool.h, `struct ethtool_sfeatures`. Features are numbered differently in each
release, so their names are read first.
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
_GSTRINGS, _GSSET_INFO, _SFEATURES = 0x1B, 0x37, 0x3B
_FEATURES, _STRING = 4, 32
"""ETH_SS_FEATURES, and the length of a string (ETH_GSTRING_LEN)."""
_NAME = b"tx-udp-segmentation"
_requests: list[bytes] = []
"""The command that turns the feature off, once it is known: it is the same for all interfaces of a kernel."""
_ABSENT = frozenset({errno.ENODEV, errno.EOPNOTSUPP})


def segment_udp(interfaces: Iterable[str]) -> None:
    """Make `interfaces` of this thread's namespace cut large UDP packets before they send them.

    Interfaces that are missing, and all on a kernel without this feature, are skipped. Raises KernelError.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asker:
        for name in interfaces:
            try:
                if not _requests:
                    _requests.append(_request(_feature_names(asker, name)))
                if _requests[0]:
                    _call(asker, name, _requests[0])
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise KernelError("turn off UDP segmentation of", name, error.errno or 0) from error


def _request(names: list[bytes]) -> bytes:
    """Return the command that turns the feature off; nothing if it isn't among the kernel's `names`.

    There are two words per 32 features: those to change, and their new values.
    """
    if _NAME not in names:
        return b""
    feature = names.index(_NAME)
    words = [0, 0] * -(-len(names) // 32)
    words[feature // 32 * 2] = 1 << feature % 32
    return struct.pack(f"=II{len(words)}I", _SFEATURES, len(words) // 2, *words)


def _feature_names(asker: socket.socket, interface: str) -> list[bytes]:
    """Return the names of all features, in the kernel's order."""
    answer = _call(asker, interface, struct.pack("=IIQI", _GSSET_INFO, 0, 1 << _FEATURES, 0))
    count = struct.unpack_from("=I", answer, 16)[0]
    strings = _call(
        asker, interface, struct.pack("=III", _GSTRINGS, _FEATURES, count) + bytes(count * _STRING)
    )
    return [strings[12 + at * _STRING :][:_STRING].rstrip(b"\0") for at in range(count)]


def _call(asker: socket.socket, interface: str, command: bytes) -> bytes:
    """Execute a command of ethtool on an interface; return it as the kernel left it. Raises OSError."""
    value = ctypes.create_string_buffer(command, len(command))
    request = struct.pack("=16s", interface.encode()) + struct.pack("@P", ctypes.addressof(value)) + bytes(16)
    fcntl.ioctl(asker, _SIOCETHTOOL, request)
    return value.raw
