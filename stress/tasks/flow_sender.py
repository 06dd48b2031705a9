"""Sends and receives the flows of a `traffic` step. It is a separate program, so that it doesn't delay
the thread that carries out operations. Standard library only; started by its path.

It communicates over one Unix socket, whose descriptor is its argument. Each message is a JSON object:
{"flow": {"number", "half", "protocol", "address", "port", "bandwidth", "size"}} comes with a socket: that of
the half "send" (not connected) or "receive" (bound, TCP: listening), opened in its node's namespace. The
halves of a flow may be in programs on two machines.
{"end": true} ends the program: it answers with {"flows": [...]}, a result for each half, in as many packets
as needed, and exits. It also exits when the other side is gone: no sender outlives the run.
"""  # noqa: D205 -- the first sentence is long

from __future__ import annotations

import errno
import itertools
import json
import selectors
import socket
import struct
import sys
import time
from typing import Any

_CHUNK = 65536
_HEADER = struct.Struct("!Q")
_TURN = 32
"""Sends in a row before the next flow has its turn."""
_BUSY = (errno.EAGAIN, errno.ENOBUFS)
_LONGEST = 0.1
_REFUSED_SECONDS = 5.0
"""Seconds for which a refused connection is tried again: the receiver's worker may be later."""
_AGAIN = 0.05
_DRAIN_SECONDS = 1.0
"""Seconds for which a half that has ended still receives, until its sender has ended, too."""
_PACKET = 32768
"""Bytes of one packet of the answer: the series of many flows don't fit in one."""


class Flow:
    """Half of a flow, which sends or receives: its socket, its pace and its counts."""

    def __init__(self, wanted: dict[str, Any], sock: socket.socket) -> None:
        self.number = wanted["number"]
        self.sends = wanted["half"] == "send"
        self.tcp = wanted["protocol"] == "tcp"
        self.sock = sock
        self.rate = (wanted["bandwidth"] or 0.0) / 8
        self.size = _CHUNK if self.tcp and not self.rate else wanted["size"]
        self.data = bytes(self.size)
        self.begin = time.monotonic()
        self.sent = self.received = self.packets = self.arrived = 0
        self.error = ""
        self.series: list[int] = []
        self.connected = not self.tcp
        sock.settimeout(0)
        self.peer = (wanted["address"], wanted["port"])
        self.again: float | None = None
        """Time at which to connect once more, after a refusal."""
        if self.sends:
            self.connect()

    def connect(self) -> None:
        """Begin to connect; UDP needs no more than that. A socket first tells that it was refused before."""
        self.again = None
        code = self.sock.connect_ex(self.peer)
        if code == errno.ECONNABORTED:
            code = self.sock.connect_ex(self.peer)
        if code not in (0, errno.EINPROGRESS):
            self.refuse(code)

    def refuse(self, code: int) -> None:
        """Record that the connection failed, or when to try it again."""
        if code == errno.ECONNREFUSED and time.monotonic() < self.begin + _REFUSED_SECONDS:
            self.again = time.monotonic() + _AGAIN
        else:
            self.fail(code)

    def fail(self, code: int) -> None:
        """Record the first error."""
        self.error = self.error or errno.errorcode.get(code, str(code))

    def due(self, now: float) -> float:
        """Return the time at which the next packet is due."""
        return self.begin + self.sent / self.rate if self.rate else now

    def send(self, now: float) -> bool:
        """Send the due packets; return whether the socket takes no more for now."""
        for _ in range(_TURN):
            if self.error or self.due(now) > now:
                break
            try:
                if self.tcp:
                    self.sent += self.sock.send(self.data)
                else:
                    data = _HEADER.pack(self.packets) + self.data[_HEADER.size :]
                    self.packets += 1  # packets that the network can't take are lost, not late: an open loop
                    self.sent += self.size
                    self.sock.send(data)
            except OSError as error:
                busy = error.errno in _BUSY
                if self.tcp and not busy:
                    self.fail(error.errno or 0)
                if self.tcp or not busy:
                    return busy
        return False

    def receive(self) -> None:
        """Read the received data."""
        try:
            for _ in range(_TURN):
                data = self.sock.recv(_CHUNK)
                if not data:
                    return
                self.received += len(data)
                self.arrived += 1
        except OSError as error:
            if error.errno not in _BUSY:
                self.fail(error.errno or 0)

    def second(self) -> None:
        """Record the bytes received so far; called once a second."""
        self.series.append(self.received)

    def found(self) -> dict[str, Any]:
        """Return the result of this half: bytes and packets sent in seconds, or received, also by second."""
        refused = errno.errorcode[errno.ECONNREFUSED] if self.again is not None else ""
        out: dict[str, Any] = {"number": self.number, "error": self.error or refused}
        if self.sends:
            out |= {"sent_bytes": self.sent, "seconds": round(time.monotonic() - self.begin, 6)}
            return out if self.tcp else out | {"packets": self.packets}
        totals = [0, *self.series, self.received]  # what came since the last full second is its last part
        series = [after - before for before, after in itertools.pairwise(totals)]
        out |= {"received_bytes": self.received, "series": series}
        return out if self.tcp else out | {"arrived": self.arrived}


def _received(sock: Any) -> bool:
    """Return False at the end of what a socket receives."""
    try:
        return bool(sock.recv(_CHUNK))
    except BlockingIOError:
        return True
    except OSError:
        return False


class Program:
    """The flows, and the socket over which they arrive."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.flows: list[Flow] = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, None)
        self.blocked: set[Flow] = set()
        self.begin = time.monotonic()
        self.seconds = 0

    def run(self) -> None:
        """Send and receive until the end is requested, or the other side is gone."""
        while True:
            now = time.monotonic()
            if now - self.begin >= self.seconds + 1:
                self.seconds += 1
                for flow in self.flows:
                    flow.second()
            wait = min((f.due(now) - now for f in self.flows if self._sends(f)), default=_LONGEST)
            for key, mask in self.selector.select(max(0.0, min(wait, _LONGEST))):
                if key.data is None:
                    if not self._handle_message():
                        return
                else:
                    self._ready(key.data, mask)
            now = time.monotonic()
            for flow in self.flows:
                if flow.again is not None and flow.again <= now:
                    flow.connect()
                    self._await(flow)
                if self._sends(flow) and flow.send(now):
                    self.blocked.add(flow)
                    self.selector.register(flow.sock, selectors.EVENT_WRITE, flow)

    def _sends(self, flow: Flow) -> bool:
        return flow.sends and flow.connected and not flow.error and flow not in self.blocked

    def _ready(self, flow: Flow, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self.selector.unregister(flow.sock)
            self.blocked.discard(flow)
            if not flow.connected:
                code = flow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    flow.refuse(code)
                else:
                    flow.connected, flow.begin = True, time.monotonic()
        elif flow.tcp and flow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            accepted, _ = flow.sock.accept()
            self.selector.unregister(flow.sock)
            flow.sock.close()
            accepted.settimeout(0)
            flow.sock = accepted
            self.selector.register(accepted, selectors.EVENT_READ, flow)
        else:
            flow.receive()

    def _handle_message(self) -> bool:
        """Handle a message; return False when it was the last."""
        data, descriptors, _, _ = socket.recv_fds(self.control, 4096, 1)
        if not data:
            return False
        message = json.loads(data)
        if "flow" not in message:
            answer = json.dumps({"flows": [flow.found() for flow in self.flows]}).encode()
            for at in range(0, len(answer), _PACKET):
                self.control.sendall(answer[at : at + _PACKET])
            self.control.close()
            self._drain()
            return False
        flow = Flow(message["flow"], socket.socket(fileno=descriptors[0]))
        self.flows.append(flow)
        if not flow.sends:
            self.selector.register(flow.sock, selectors.EVENT_READ, flow)
        else:
            self._await(flow)
        return True

    def _drain(self) -> None:
        """Close what sends; receive until senders elsewhere have closed: a reset would be their error."""
        self.selector.close()
        waiting = selectors.DefaultSelector()
        for flow in self.flows:
            if flow.sends:
                flow.sock.close()
            elif flow.tcp and not flow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                waiting.register(flow.sock, selectors.EVENT_READ)
        until = time.monotonic() + _DRAIN_SECONDS
        while waiting.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                if not _received(key.fileobj):
                    waiting.unregister(key.fileobj)

    def _await(self, flow: Flow) -> None:
        """Wait until a connection that has begun is there."""
        if not flow.connected and not flow.error and flow.again is None:
            self.blocked.add(flow)
            self.selector.register(flow.sock, selectors.EVENT_WRITE, flow)


if __name__ == "__main__":
    Program(socket.socket(fileno=int(sys.argv[1]))).run()
