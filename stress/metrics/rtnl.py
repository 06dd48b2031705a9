"""Waiting time for the RTNL lock, which serialises all network changes of a machine.

While the kernel destroys a network's namespaces it holds the lock for all of them together, and waits for
RCU once for each of their bridges (br_multicast_dev_del in net/bridge/br_multicast.c). On a busy machine
that takes seconds in which no other port can be brought up: 7.5 s for a network of 400 bridges on two
cores; a reroute beside it took 7.0 s.

The test reads, like ethtool(8), the carrier of `lo`: it changes nothing and takes the lock.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import threading
import time
from array import array
from contextlib import suppress

_SIOCETHTOOL, _ETHTOOL_GLINK = 0x8946, 0x0A
_EVERY = 0.2


class LockWaits:
    """Thread that tests five times a second; a test may block."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._since: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stress-rtnl", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for a test that still blocks."""
        self._stopped.set()
        self._thread.join(_EVERY)

    def longest(self) -> float:
        """Return the longest wait in seconds since the last call, including one that continues."""
        since, found = self._since, self._longest
        self._longest = 0.0
        return found if since is None else max(found, time.monotonic() - since)

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, suppress(OSError):
            while not self._stopped.wait(_EVERY):
                begin = self._since = time.monotonic()
                ask(sock)
                self._since = None
                self._longest = max(self._longest, time.monotonic() - begin)


def ask(sock: socket.socket) -> int:
    """Return the carrier of `lo`, 0 or 1."""
    value = array("I", [_ETHTOOL_GLINK, 0])
    request = struct.pack("16sP16x", b"lo", value.buffer_info()[0])
    fcntl.ioctl(sock, _SIOCETHTOOL, request)
    return value[1]
