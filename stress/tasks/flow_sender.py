"""Sends and receives the flows of a `traffic` step. It is a separate program, so that it doesn't delay
the thread that carries out operations. Standard library only; started by its path.

It communicates over one Unix socket, whose descriptor is its argument. Each message is a JSON object:
{"flow": {"protocol", "address", "port", "bandwidth", "size"}} comes with two sockets, the sender's
(not connected) and the receiver's (bound, TCP: listening), both opened in their nodes' namespaces.
{"end": true} ends the program: it answers with {"flows": [...]}, in the order of their arrival, in as
many packets as needed, and exits.
When the other side is gone, it exits: no sender outlives the run.
"""  # noqa: D205 -- the first sentence is long

from __future__ import annotations

import errno
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
_PACKET = 32768
"""Bytes of one packet of the answer: the series of many flows don't fit in one."""


class Flow:
    """One flow: its sockets, its pace and its counts."""

    def __init__(self, wanted: dict[str, Any], sender: socket.socket, receiver: socket.socket) -> None:
        self.tcp = wanted["protocol"] == "tcp"
        self.sender, self.receiver = sender, receiver
        self.rate = (wanted["bandwidth"] or 0.0) / 8
        self.size = _CHUNK if self.tcp and not self.rate else wanted["size"]
        self.data = bytes(self.size)
        self.begin = time.monotonic()
        self.sent = self.received = self.packets = self.arrived = 0
        self.error = ""
        self.series: list[int] = []
        self.connected = not self.tcp
        sender.settimeout(0)
        receiver.settimeout(0)
        code = sender.connect_ex((wanted["address"], wanted["port"]))
        if code not in (0, errno.EINPROGRESS):
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
                return False
            try:
                if self.tcp:
                    self.sent += self.sender.send(self.data)
                else:
                    data = _HEADER.pack(self.packets) + self.data[_HEADER.size :]
                    self.packets += 1  # packets that the network can't take are lost, not late: an open loop
                    self.sent += self.size
                    self.sender.send(data)
            except OSError as error:
                if error.errno in _BUSY and self.tcp:
                    return True
                if error.errno not in _BUSY:
                    if self.tcp:
                        self.fail(error.errno or 0)
                    return False
        return False

    def receive(self) -> None:
        """Read the received data."""
        try:
            for _ in range(_TURN):
                data = self.receiver.recv(_CHUNK)
                if not data:
                    return
                self.received += len(data)
                self.arrived += 1
        except BlockingIOError:
            pass
        except OSError as error:
            self.fail(error.errno or 0)

    def second(self) -> None:
        """Record the bytes received so far; called once a second."""
        self.series.append(self.received)

    def found(self) -> dict[str, Any]:
        """Return the result of the flow: bytes, packets, seconds, bytes received by second."""
        out: dict[str, Any] = {
            "sent_bytes": self.sent, "received_bytes": self.received,
            "seconds": round(time.monotonic() - self.begin, 6), "error": self.error,
            "series": [b - a for a, b in zip([0, *self.series], self.series)],  # noqa: B905 -- one shorter
        }  # fmt: skip
        if not self.tcp:
            out |= {"packets": self.packets, "arrived": self.arrived}
        return out


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
                    self._ready(key.data, key.fileobj, mask)
            now = time.monotonic()
            for flow in self.flows:
                if self._sends(flow) and flow.send(now):
                    self.blocked.add(flow)
                    self.selector.register(flow.sender, selectors.EVENT_WRITE, flow)

    def _sends(self, flow: Flow) -> bool:
        return flow.connected and not flow.error and flow not in self.blocked

    def _ready(self, flow: Flow, what: Any, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self.selector.unregister(flow.sender)
            self.blocked.discard(flow)
            if not flow.connected:
                code = flow.sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                flow.connected, flow.begin = not code, time.monotonic()
                if code:
                    flow.fail(code)
        elif flow.tcp and what is flow.receiver and what.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            accepted, _ = flow.receiver.accept()
            self.selector.unregister(flow.receiver)
            flow.receiver.close()
            accepted.settimeout(0)
            flow.receiver = accepted
            self.selector.register(accepted, selectors.EVENT_READ, flow)
        else:
            flow.receive()

    def _handle_message(self) -> bool:
        """Handle a message; return False when it was the last."""
        data, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
        if not data:
            return False
        message = json.loads(data)
        if "flow" not in message:
            answer = json.dumps({"flows": [flow.found() for flow in self.flows]}).encode()
            for at in range(0, len(answer), _PACKET):
                self.control.sendall(answer[at : at + _PACKET])
            return False
        flow = Flow(message["flow"], *(socket.socket(fileno=descriptor) for descriptor in descriptors))
        self.flows.append(flow)
        self.selector.register(flow.receiver, selectors.EVENT_READ, flow)
        if not flow.connected and not flow.error:
            self.blocked.add(flow)
            self.selector.register(flow.sender, selectors.EVENT_WRITE, flow)
        return True


if __name__ == "__main__":
    Program(socket.socket(fileno=int(sys.argv[1]))).run()
