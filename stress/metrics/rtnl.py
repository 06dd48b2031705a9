"""How long the kernel lets a change of the network wait: for the RTNL lock, which a machine has once.

While the kernel destroys a network's namespaces it holds the lock for all of them together, and waits for
RCU once for each of their bridges (br_multicast_dev_del in net/bridge/br_multicast.c). On a busy machine
that is seconds, in which nobody else brings a port up: 7.5 s for a network of 400 bridges on two cores,
and a reroute beside it took 7.0 s.

The question is ethtool(8)'s whether `lo` has a carrier: it changes nothing, and takes the lock.
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
    """Asks five times a second in a thread of its own, which may have to wait."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._since: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stress-rtnl", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a question that still waits isn't waited for."""
        self._stopped.set()
        self._thread.join(_EVERY)

    def longest(self) -> float:
        """Return the longest wait in seconds since this was last asked, one that goes on included."""
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
    """Return whether `lo` has a carrier, 0 or 1."""
    value = array("I", [_ETHTOOL_GLINK, 0])
    request = struct.pack("16sP16x", b"lo", value.buffer_info()[0])
    fcntl.ioctl(sock, _SIOCETHTOOL, request)
    return value[1]
