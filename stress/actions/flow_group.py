"""The flows of one `traffic` step, by our own senders or by iperf3."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from emulator.errors import BrokenError, UnableError
from emulator.network import Network

_PROGRAM = Path(__file__).with_name("flow_sender.py")
_PATIENCE = 10.0


class Wanted(NamedTuple):
    """One flow: between which nodes, how; bandwidth in bit/s or None, size in bytes."""

    source: int
    target: int
    protocol: str
    bandwidth: float | None
    size: int
    seconds: float


class OwnFlows:
    """A child process that drives all flows over sockets that were opened in the nodes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 -- our own program
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def start(self, flow: Wanted) -> None:
        """Begin a flow."""
        address = next(iter(self._network.addresses(flow.target)), None)
        if address is None:
            raise UnableError(f"{self._network.topology.names[flow.target]} has no address to send to")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if flow.protocol == "tcp" else socket.SOCK_DGRAM
        with (
            self._network.open_socket(flow.target, family, kind) as receiver,
            self._network.open_socket(flow.source, family, kind) as sender,
        ):
            receiver.bind((address, 0))
            if flow.protocol == "tcp":
                receiver.listen(1)
            message = {"protocol": flow.protocol, "address": address, "port": receiver.getsockname()[1],
                       "bandwidth": flow.bandwidth, "size": flow.size}  # fmt: skip
            socket.send_fds(
                self._control, [json.dumps({"flow": message}).encode()], [sender.fileno(), receiver.fileno()]
            )

    def stop(self) -> list[dict[str, Any]]:
        """End all flows; return what became of each."""
        self._control.settimeout(_PATIENCE)
        try:
            self._control.sendall(b'{"end": true}')
            answer = self._control.recv(1 << 24)
        except OSError as error:
            raise BrokenError(f"the senders of the flows did not answer: {error}") from error
        flows: list[dict[str, Any]] = json.loads(answer)["flows"] if answer else []
        return flows

    def close(self) -> None:
        """End the child."""
        self._control.close()
        try:
            self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Iperf3Flows:
    """An iperf3 server and client per flow, in the nodes."""

    _FIRST_PORT = 5201

    def __init__(self, network: Network) -> None:
        if shutil.which("iperf3") is None:
            raise UnableError("`using: iperf3` needs iperf3; apt-get install iperf3, or use our own senders")
        self._network = network
        self._servers: list[subprocess.Popen[bytes]] = []
        self._clients: list[subprocess.Popen[bytes]] = []

    def start(self, flow: Wanted) -> None:
        """Begin a flow: the server, and once it listens the client."""
        port = str(self._FIRST_PORT + len(self._servers))
        server = self._network.spawn(flow.target, ["iperf3", "-s", "-1", "--forceflush", "-p", port])
        self._servers.append(server)
        assert server.stdout is not None  # noqa: S101 -- spawn gives pipes
        for line in server.stdout:
            if b"listening" in line:
                break
        words = ["iperf3", "--json", "-c", self._network.addresses(flow.target)[0], "-p", port]
        words += ["-t", str(max(1, round(flow.seconds)))]
        if flow.protocol == "udp":
            words += ["-u", "-l", str(flow.size)]
        if flow.bandwidth is not None:
            words += ["-b", str(round(flow.bandwidth))]
        self._clients.append(self._network.spawn(flow.source, words))

    def stop(self) -> list[dict[str, Any]]:
        """Wait for the clients; return what each found."""
        return [self._result(client) for client in self._clients]

    def _result(self, client: subprocess.Popen[bytes]) -> dict[str, Any]:
        try:
            said = json.loads(client.communicate(timeout=_PATIENCE)[0])
        except (subprocess.TimeoutExpired, ValueError):
            return {"error": "iperf3 gave no result"}
        if "error" in said:
            return {"error": str(said["error"])}
        end = said["end"]
        sent, received = end.get("sum_sent", end.get("sum", {})), end.get("sum_received", end.get("sum", {}))
        return {"sent_bytes": sent.get("bytes", 0), "received_bytes": received.get("bytes", 0),
                "seconds": sent.get("seconds", 0.0), "error": "",
                "series": [one["sum"]["bytes"] for one in said.get("intervals", [])]}  # fmt: skip

    def close(self) -> None:
        """End what still runs."""
        for process in (*self._clients, *self._servers):
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()
