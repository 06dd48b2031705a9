"""Flows of one `traffic` step, by our own senders: one child process drives all of them.

The child receives sockets that were opened in the nodes. `flow_sender.py` defines the messages.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from emulator.errors import BrokenError
from emulator.tasks import Nodes

_PROGRAM = Path(__file__).with_name("flow_sender.py")
_PATIENCE = 10.0
"""Seconds that the child may take to answer, and to end."""


class OwnFlows:
    """Task that starts flows and returns their results."""

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

    def ask(self, request: dict[str, Any] | None) -> list[dict[str, Any]] | None:
        """Start the flow `request`; None ends all flows, and returns the result of each."""
        if request is None:
            return self._results()
        self._begin(request)
        return None

    def _begin(self, flow: dict[str, Any]) -> None:
        address = flow["address"]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if flow["protocol"] == "tcp" else socket.SOCK_DGRAM
        with (
            self._nodes.open_socket(flow["target"], family, kind) as receiver,
            self._nodes.open_socket(flow["source"], family, kind) as sender,
        ):
            receiver.bind((address, 0))
            if identity := self._nodes.identity(flow["source"]):
                sender.bind((identity, 0))
            if flow["protocol"] == "tcp":
                receiver.listen(1)
            message = {"protocol": flow["protocol"], "address": address, "port": receiver.getsockname()[1],
                       "bandwidth": flow["bandwidth"], "size": flow["size"]}  # fmt: skip
            socket.send_fds(
                self._control, [json.dumps({"flow": message}).encode()], [sender.fileno(), receiver.fileno()]
            )

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
