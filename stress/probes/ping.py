"""ICMP echo between hundreds of pairs by one thread (RFC 792, RFC 4443).

The kernel stamps the answers when they arrive (SO_TIMESTAMPNS), so they need not be read at once. They
are read together, a hundred times per second. A busy machine doesn't make them late.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Sequence

from emulator.icmp import echo_request, listen_for_replies, protocol, reply_numbers
from stress.probes.asker import Clock, Turns, create_tracks
from stress.probes.sockets import NodeSocket, Opener, bound, require_descriptors
from stress.probes.specs import ResolvedProbe
from topologies.names import Names

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)
_FASTEST, _SLOWEST = 0.001, 0.01


class PingAsker:
    """Pings of the pairs of one spec. `first_ident` separates its packets from those of other probes."""

    blocks = False
    waits = True

    def __init__(
        self, spec: ResolvedProbe, names: Names, opener: Opener, clock: Clock, first_ident: int
    ) -> None:
        self._spec = spec
        self._opener = opener
        self._clock = clock
        self._poll = select.epoll()
        self.tracks = create_tracks(spec, names)
        self.pace = min(max(spec.interval / 4, _FASTEST), _SLOWEST)
        keys = [(pair.source, pair.version) for pair in spec.pairs]
        self._sockets = {key: NodeSocket(*key) for key in dict.fromkeys(keys)}
        require_descriptors(spec.sockets)
        self._of_pair = [self._sockets[key] for key in keys]
        self._by_descriptor: dict[int, NodeSocket] = {}
        self._idents = [(first_ident + at) & 0xFFFF for at in range(len(keys))]
        self._tracks = {(node_socket.node, ident): track for node_socket, ident, track
                        in zip(self._of_pair, self._idents, self.tracks, strict=True)}  # fmt: skip
        self._targets = [(pair.address, 0) for pair in spec.pairs]
        for node_socket in self._sockets.values():
            self._opener.renew()
            self._ready(node_socket)
        self._turns = Turns(self.tracks, spec.interval, clock())

    def step(self, now: float) -> None:
        """Read the answers, then send the probes that are due."""
        self._collect()
        self._opener.renew()
        pairs = len(self.tracks)
        for probe in self._turns.due(now):
            turn, at = divmod(probe, pairs)
            self._ask(at, turn & 0xFFFF)

    def finish(self, now: float) -> None:
        """Read the last answers."""
        self._collect()
        for track in self.tracks:
            track.settle(now - self._spec.timeout)

    def close(self) -> None:
        """Close the sockets."""
        self._poll.close()
        for node_socket in self._sockets.values():
            node_socket.close()
        self._opener.close()

    def _ask(self, at: int, number: int) -> None:
        node_socket, track = self._of_pair[at], self.tracks[at]
        sent = self._clock()
        track.settle(sent - self._spec.timeout)
        track.ask(number, sent)
        if node_socket.sock is not None and node_socket.place != self._opener.where(node_socket.node):
            self._read(node_socket, node_socket.sock, time.time() - self._clock())
            self._drop(node_socket)
        sock = node_socket.sock or self._ready(node_socket)
        if sock is None:
            return
        try:
            sock.sendto(echo_request(node_socket.version, self._idents[at], number), self._targets[at])
        except OSError as error:  # no route: a probe without an answer
            if node_socket.failed(error):
                self._drop(node_socket)
        else:
            node_socket.worked()

    def _ready(self, node_socket: NodeSocket) -> socket.socket | None:
        """Return the open socket of a node; None while the node is removed."""
        family, number = protocol(node_socket.version)
        place = self._opener.where(node_socket.node)
        sock = self._opener.open(node_socket.node, family, socket.SOCK_RAW, number)
        if sock is None:
            return None
        listen_for_replies(sock)
        if not bound(sock, self._opener.identity(node_socket.node)):
            return None
        node_socket.place = place
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        node_socket.sock = sock
        self._by_descriptor[sock.fileno()] = node_socket
        self._poll.register(sock, select.EPOLLIN)
        return sock

    def _drop(self, node_socket: NodeSocket) -> None:
        """Close a socket that reaches nothing any more."""
        assert node_socket.sock is not None  # noqa: S101 -- the callers have it
        del self._by_descriptor[node_socket.sock.fileno()]
        node_socket.close()

    def _collect(self) -> None:
        offset = time.time() - self._clock()
        for descriptor, _event in self._poll.poll(0, max(len(self._by_descriptor), 1)):
            node_socket = self._by_descriptor.get(descriptor)
            if node_socket is not None and node_socket.sock is not None:
                self._read(node_socket, node_socket.sock, offset)

    def _read(self, node_socket: NodeSocket, sock: socket.socket, offset: float) -> None:
        while True:
            try:
                packet, ancillary, _flags, _address = sock.recvmsg(256, _ANCILLARY)
            except OSError:
                return
            found = reply_numbers(node_socket.version, packet) if packet else None
            track = self._tracks.get((node_socket.node, found[0])) if found else None
            if found is not None and track is not None:
                track.answer(found[1], self._arrival(ancillary, offset))

    def _arrival(self, ancillary: Sequence[tuple[int, int, bytes]], offset: float) -> float:
        """Return the time the kernel received a packet, on the run's clock; now when it has no timestamp."""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                return float(seconds + nanoseconds * 1e-9 - offset)
        return self._clock()


def first_ident() -> int:
    """Return an identifier of this process that `check`, which may run beside it, doesn't use."""
    return (os.getpid() ^ 0x8000) & 0xFFFF
