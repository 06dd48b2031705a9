"""Listeners for TCP probes that come from other machines: a node that is created again gets a new one."""

from __future__ import annotations

import socket
from contextlib import suppress

from stress.probes.asker import Clock
from stress.probes.sockets import Opener
from stress.probes.specs import ResolvedProbe
from stress.probes.track import Track

_EVERY = 0.5
"""Seconds between two looks whether the nodes are still those that the listeners are in."""
_PACE = 0.005
_BACKLOG = 128
_NETNS_COOKIE = 71
"""SO_NETNS_COOKIE of asm-generic/socket.h: a number of the namespace that a socket was opened in."""
_COOKIE_BYTES = 8

Key = tuple[int, int]


class TcpListeners:
    """Listens in the targets of one spec, and closes each connection that it accepts."""

    blocks = False
    waits = False
    pace = _PACE

    def __init__(self, spec: ResolvedProbe, opener: Opener, clock: Clock) -> None:
        self.tracks: list[Track] = []
        self._port = spec.port
        self._opener = opener
        self._targets: list[Key] = list(dict.fromkeys((pair.target, pair.version) for pair in spec.pairs))
        self._listeners: dict[Key, socket.socket] = {}
        self._looked = clock()
        self._look()

    def step(self, now: float) -> None:
        """Accept what has come, and look after the listeners."""
        for listener in list(self._listeners.values()):
            _accept(listener)
        if now - self._looked >= _EVERY:
            self._looked = now
            self._look()

    def finish(self, now: float) -> None:
        """Accept the last ones."""
        self.step(now)

    def close(self) -> None:
        """Close the sockets."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._opener.close()

    def _look(self) -> None:
        """Listen where no listener is in the node that is there now."""
        for key in self._targets:
            node, version = key
            family = socket.AF_INET if version == 4 else socket.AF_INET6
            sock = self._opener.open_now(node, family, socket.SOCK_STREAM)
            if sock is None:
                continue
            old = self._listeners.get(key)
            if old is not None and _place(old) == _place(sock):
                sock.close()
                continue
            if old is not None:
                old.close()
                del self._listeners[key]
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((self._opener.identity(node), self._port))
                sock.listen(_BACKLOG)
            except OSError:  # a port in use has a listener already: the user's own
                sock.close()
                continue
            self._listeners[key] = sock


def _place(sock: socket.socket) -> bytes:
    """Return the number of a socket's namespace; empty before Linux 5.14, where none is told apart."""
    with suppress(OSError):
        return sock.getsockopt(socket.SOL_SOCKET, _NETNS_COOKIE, _COOKIE_BYTES)
    return b""


def _accept(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            listener.accept()[0].close()
