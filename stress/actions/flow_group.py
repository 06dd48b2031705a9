"""The flows of one `traffic` step, by our own senders or by iperf3."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
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
            answer = b"".join(iter(lambda: self._control.recv(1 << 16), b""))
            flows: list[dict[str, Any]] = json.loads(answer)["flows"] if answer else []
        except (OSError, ValueError) as error:
            raise BrokenError(f"the senders of the flows did not answer: {error}") from error
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

    def __init__(self, network: Network, marked: Callable[[Sequence[str]], list[str]]) -> None:
        if shutil.which("iperf3") is None:
            raise UnableError("`using: iperf3` needs iperf3; apt-get install iperf3, or use our own senders")
        self._network = network
        self._marked = marked
        self._servers: list[subprocess.Popen[bytes]] = []
        self._clients: list[subprocess.Popen[bytes]] = []
        self._protocols: list[str] = []

    def start(self, flow: Wanted) -> None:
        """Begin a flow: the server, and once it listens the client."""
        address = next(iter(self._network.addresses(flow.target)), None)
        if address is None:
            raise UnableError(f"{self._network.topology.names[flow.target]} has no address to send to")
        port = str(self._FIRST_PORT + len(self._servers))
        server = self._spawn(flow.target, ["-s", "-1", "--forceflush", "-p", port])
        self._servers.append(server)
        assert server.stdout is not None  # noqa: S101 -- spawn gives pipes
        said = []
        for line in server.stdout:
            said.append(line)
            if b"listening" in line:
                break
        else:
            words = b" ".join(said).decode(errors="replace").strip()
            raise BrokenError(f"iperf3 does not listen: {words or 'it ended'}")
        client = ["--json", "-c", address, "-p", port, "-t", str(max(1, int(flow.seconds)))]
        if flow.protocol == "udp":
            client += ["-u", "-l", str(flow.size)]
        if flow.bandwidth is not None:
            client += ["-b", str(round(flow.bandwidth))]
        self._clients.append(self._spawn(flow.source, client))
        self._protocols.append(flow.protocol)

    def _spawn(self, node: int, words: Sequence[str]) -> subprocess.Popen[bytes]:
        return self._network.spawn(node, self._marked(["iperf3", *words]))

    def stop(self) -> list[dict[str, Any]]:
        """Wait for the clients; return what each found."""
        return [_result(*found) for found in zip(self._clients, self._protocols, strict=True)]

    def close(self) -> None:
        """End what still runs."""
        for process in (*self._clients, *self._servers):
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


def _result(client: subprocess.Popen[bytes], protocol: str) -> dict[str, Any]:
    """Return what an iperf3 client found, in the words of our own senders."""
    nothing: dict[str, Any] = {"sent_bytes": 0, "received_bytes": 0, "seconds": 0.0, "series": []}
    try:
        said = json.loads(client.communicate(timeout=_PATIENCE)[0])
    except (subprocess.TimeoutExpired, ValueError):
        return {**nothing, "error": "iperf3 gave no result"}
    if "error" in said:
        return {**nothing, "error": str(said["error"])}
    end: dict[str, Any] = said["end"]
    whole = end.get("sum", {})
    sent, received = end.get("sum_sent", whole), end.get("sum_received", whole)
    found = {"sent_bytes": sent.get("bytes", 0), "received_bytes": received.get("bytes", 0),
             "seconds": sent.get("seconds", 0.0), "error": "",
             "series": [one["sum"]["bytes"] for one in said.get("intervals", [])]}  # fmt: skip
    if protocol == "udp":
        packets = sent.get("packets", 0)
        found |= {"packets": packets, "arrived": packets - received.get("lost_packets", 0)}
    return found
