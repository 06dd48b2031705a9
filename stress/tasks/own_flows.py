"""Flows of one `traffic` step, by our own senders: one child process drives all of them.

The child receives sockets that were opened in the nodes. `flow_sender.py` defines the messages.
"""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from emulator.errors import BrokenError, UnableError
from emulator.tasks import Nodes

_PROGRAM = Path(__file__).with_name("flow_sender.py")
_PATIENCE = 10.0
"""Seconds that the child may take to answer, and to end."""


class OwnFlows:
    """Task that starts halves of flows and returns their results (`flow_sender.py`)."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        del arguments
        self._nodes = nodes
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 -- our own program
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def ask(self, request: dict[str, Any] | None) -> Any:
        """Start a half of a flow: "listen" (of `do`) at `port`, or at any if that is 0, or "send" to `port`.

        Both return the port. None ends all flows, and returns the result of each half.
        """
        if request is None:
            return self._results()
        return self._begin(request)

    def _begin(self, flow: dict[str, Any]) -> int:
        address, listens, is_tcp = flow["address"], flow["do"] == "listen", flow["protocol"] == "tcp"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM
        with self._nodes.open_socket(flow["target" if listens else "source"], family, kind) as sock:
            if listens:
                self._listen(sock, flow, is_tcp=is_tcp)
            elif identity := self._nodes.identity(flow["source"]):
                sock.bind((identity, 0))
            port = int(sock.getsockname()[1]) if listens else int(flow["port"])
            message = {key: flow[key] for key in ("number", "protocol", "address", "bandwidth", "size")}
            message |= {"half": "receive" if listens else "send", "port": port}
            socket.send_fds(self._control, [json.dumps({"flow": message}).encode()], [sock.fileno()])
        return port

    def _listen(self, sock: socket.socket, flow: dict[str, Any], *, is_tcp: bool) -> None:
        if is_tcp:  # connections of an earlier run that had this port don't matter
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((flow["address"], int(flow["port"])))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            name = self._nodes.names[flow["target"]]
            raise UnableError(
                f"port {flow['port']} of {name} is taken, which a flow from another worker needs; "
                "give the step another name, which changes its ports"
            ) from error
        if is_tcp:
            sock.listen(1)

    def _results(self) -> list[dict[str, Any]]:
        self._control.settimeout(_PATIENCE)
        try:
            self._control.sendall(b'{"end": true}')
            answer = b"".join(iter(lambda: self._control.recv(1 << 16), b""))
            flows: list[dict[str, Any]] = json.loads(answer)["flows"] if answer else []
        except (OSError, ValueError) as error:
            raise BrokenError(f"the senders of the flows did not answer: {error}") from error
        return flows

    def stop(self) -> None:
        """End the child."""
        self._control.close()
        try:
            self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
