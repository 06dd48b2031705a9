"""TCP connects between pairs: a listener in each target, a new connection for each probe.

A probe is answered when the handshake is done (RFC 9293, 3.5). The kernel knows how long that took
(TCP_INFO), so one thread handles all connections, as with pings. Closing resets: no TIME_WAIT.
"""

from __future__ import annotations

import select
import socket
import struct
from contextlib import suppress

from stress.probes.asker import Clock, Turns, create_tracks
from stress.probes.sockets import Opener, bound, require_descriptors
from stress.probes.specs import Pair, ResolvedProbe
from topologies.names import Names

_FASTEST, _SLOWEST = 0.001, 0.01
_RTT_AT, _RETRANSMITS_AT = 68, 100
"""Offsets of tcpi_rtt (microseconds) and tcpi_total_retrans in struct tcp_info (linux/tcp.h)."""
_RESET = struct.pack("ii", 1, 0)
_BACKLOG = 128


class _Connection:
    __slots__ = ("at", "number", "sent", "sock")

    def __init__(self, at: int, number: int, sent: float, sock: socket.socket) -> None:
        self.at = at
        self.number = number
        self.sent = sent
        self.sock = sock


class TcpAsker:
    """TCP connects of the pairs of one spec."""

    blocks = False
    waits = True

    def __init__(self, spec: ResolvedProbe, names: Names, opener: Opener, clock: Clock) -> None:
        self._spec = spec
        self._opener = opener
        self._clock = clock
        self._poll = select.epoll()
        self.tracks = create_tracks(spec, names)
        self.pace = min(max(spec.interval / 4, _FASTEST), _SLOWEST)
        self._listeners: dict[tuple[int, int], socket.socket] = {}
        self._accepting: dict[int, socket.socket] = {}
        self._connections: dict[int, _Connection] = {}
        require_descriptors(spec.sockets)
        for pair in spec.pairs:
            self._opener.renew()
            self._listen(pair)
        self._turns = Turns(self.tracks, spec.interval, clock())

    def step(self, now: float) -> None:
        """Read the answers, then send the probes that are due."""
        self._collect(now)
        self._opener.renew()
        pairs = len(self.tracks)
        for probe in self._turns.due(now):
            turn, at = divmod(probe, pairs)
            self._ask(at, turn)

    def finish(self, now: float) -> None:
        """Read the last answers."""
        self._collect(now)
        for track in self.tracks:
            track.settle(now - self._spec.timeout)

    def close(self) -> None:
        """Close the sockets."""
        self._poll.close()
        for sock in (*self._listeners.values(), *(one.sock for one in self._connections.values())):
            sock.close()
        self._opener.close()

    def _listen(self, pair: Pair) -> None:
        """Listen in the target. A port in use has a listener already: the user's own."""
        key = (pair.target, pair.version)
        if key in self._listeners:
            return
        family = socket.AF_INET if pair.version == 4 else socket.AF_INET6
        sock = self._opener.open(pair.target, family, socket.SOCK_STREAM)
        if sock is None:
            return
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self._opener.identity(pair.target), self._spec.port))
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            return
        self._listeners[key] = sock
        self._accepting[sock.fileno()] = sock
        self._poll.register(sock, select.EPOLLIN)

    def _drop_listener(self, pair: Pair) -> None:
        """Close the listener of a target without an answer: the node may have been created again."""
        sock = self._listeners.pop((pair.target, pair.version), None)
        if sock is not None:
            del self._accepting[sock.fileno()]
            sock.close()

    def _ask(self, at: int, number: int) -> None:
        pair = self._spec.pairs[at]
        self._listen(pair)
        family = socket.AF_INET if pair.version == 4 else socket.AF_INET6
        sock = self._opener.open_now(pair.source, family, socket.SOCK_STREAM)
        sent = self._clock()
        self.tracks[at].settle(sent - self._spec.timeout)
        self.tracks[at].ask(number, sent)
        if sock is None or not bound(sock, self._opener.identity(pair.source)):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with suppress(BlockingIOError):
            try:
                sock.connect((pair.address, self._spec.port))
            except BlockingIOError:
                raise
            except OSError:  # no route: a probe without an answer
                sock.close()
                return
        self._connections[sock.fileno()] = _Connection(at, number, sent, sock)
        self._poll.register(sock, select.EPOLLOUT)

    def _collect(self, now: float) -> None:
        for descriptor, _event in self._poll.poll(0, max(len(self._connections) + len(self._accepting), 1)):
            connection = self._connections.pop(descriptor, None)
            if connection is not None:
                self._end(connection)
            elif descriptor in self._accepting:
                self._accept(self._accepting[descriptor])
        before = now - self._spec.timeout
        for connection in [one for one in self._connections.values() if one.sent <= before]:
            del self._connections[connection.sock.fileno()]
            connection.sock.close()
            self._drop_listener(self._spec.pairs[connection.at])

    def _end(self, connection: _Connection) -> None:
        """Record the result of a connection, and close it."""
        with connection.sock as sock:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._drop_listener(self._spec.pairs[connection.at])
                return
            arrived = self._clock()
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RETRANSMITS_AT + 4)
            if len(info) >= _RETRANSMITS_AT + 4:
                rtt, again = (struct.unpack_from("=I", info, at)[0] for at in (_RTT_AT, _RETRANSMITS_AT))
                if rtt and not again:  # after a lost SYN the kernel's time is that of the last SYN
                    arrived = min(arrived, connection.sent + rtt * 1e-6)
            self.tracks[connection.at].answer(connection.number, arrived)

    def _accept(self, listener: socket.socket) -> None:
        """Accept the new connections and close them."""
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            sock.close()
