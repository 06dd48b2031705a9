"""Sockets inside nodes, opened again when their node has been removed and created again, or has moved.

A socket holds the network namespace that it was opened in, even when the node is gone: then all its sends
fail. So after two failures in a row it is closed, which releases the old namespace, and opened again when
it is needed. That costs a tenth of a millisecond, so only some are opened per round.
"""

from __future__ import annotations

import errno
import resource
import socket
from contextlib import suppress
from pathlib import Path

from emulator.errors import EmulationError, UnableError
from emulator.tasks import LightPorts, Nodes

_BUSY = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.EINTR})
_STRIKES = 2
_BIND_ADDRESS_NO_PORT = 24
"""Option of ip(7): `connect` chooses the port, so that connections to different peers may share one."""
_SPARE = 128
"""Descriptors left for other code."""


def require_descriptors(count: int) -> None:
    """Make room for `count` more open sockets; UnableError when the hard limit is below that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _SPARE + _open_files()
    if wanted <= soft or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise UnableError(
            f"the probes need {count:,} sockets and this process may open {hard:,} files; "
            "ask from fewer sources"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open_files() -> int:
    with suppress(OSError):
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    return 0


class NodeSocket:
    """Holder of one socket in one node; `sock` is None while there is none."""

    def __init__(self, node: int, version: int) -> None:
        self.node = node
        self.version = version
        self.sock: socket.socket | None = None
        self.place = 0
        """Where the node was when the socket was opened: a light port may have moved since."""
        self._failures = 0

    def worked(self) -> None:
        """Note a success."""
        self._failures = 0

    def failed(self, error: OSError) -> bool:
        """Note a failure; return whether the socket is to be closed."""
        if error.errno in _BUSY:
            return False
        self._failures += 1
        return self._failures >= _STRIKES

    def close(self) -> None:
        """Close the socket."""
        self._failures = 0
        if self.sock is not None:
            self.sock.close()
            self.sock = None


def bound(sock: socket.socket, address: str, port: int = 0) -> bool:
    """Bind `sock` to the identity of a light port, "" for none; False when that fails, and it is closed."""
    if not address:
        return True
    try:
        if sock.type == socket.SOCK_STREAM and not port:
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((address, port))
    except OSError:
        sock.close()
        return False
    return True


class Opener:
    """Opens sockets in nodes, some at a time."""

    def __init__(self, nodes: Nodes, at_once: int) -> None:
        self._nodes = nodes
        self._light: LightPorts | None = nodes.light_ports()
        self._lights: dict[int, bool] = {}
        self._at_once = at_once
        self._left = at_once

    def renew(self) -> None:
        """Allow the full number of sockets again."""
        self._left = self._at_once

    def open(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket | None:
        """Return a non-blocking socket in `node`; None if the node is removed or no more are allowed now."""
        if self._left <= 0:
            return None
        self._left -= 1
        return self.open_now(node, family, kind, protocol)

    def open_now(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket | None:
        """Return a non-blocking socket in `node`; None if the node is removed."""
        opens = self._light_of(node) or self._nodes
        try:
            sock = opens.open_socket(node, family, kind, protocol)
        except UnableError:
            raise
        except (OSError, EmulationError):
            return None
        sock.settimeout(0)
        return sock

    def identity(self, node: int) -> str:
        """Return the address to which a node's sockets must be bound; empty when any will do."""
        return self._nodes.identity(node)

    def where(self, node: int) -> int:
        """Return a number that changes when a light port moves; always 0 for other nodes."""
        light = self._light_of(node)
        return 0 if light is None else light.where(node)

    def _light_of(self, node: int) -> LightPorts | None:
        """Return what knows where a light port is; None for other nodes."""
        if self._light is None:
            return None
        if node not in self._lights:
            self._lights[node] = bool(self.identity(node))
        return self._light if self._lights[node] else None

    def close(self) -> None:
        """Close what it looks ports up in."""
        if self._light is not None:
            self._light.close()
