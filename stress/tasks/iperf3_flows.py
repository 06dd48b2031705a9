"""Flows of one `traffic` step, each by an iperf3 server and client in its nodes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from emulator.errors import BrokenError, UnableError
from emulator.tasks import Nodes

_FIRST_PORT = 5201
_PATIENCE = 10.0
"""Seconds that a client may take to report its result."""


class Iperf3Flows:
    """Task that starts flows and returns their results. Each command begins with the words `tag`."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        if shutil.which("iperf3") is None:
            raise UnableError("`using: iperf3` needs iperf3; apt-get install iperf3, or use our own senders")
        self._nodes = nodes
        self._tag: list[str] = arguments["tag"]
        self._servers: list[subprocess.Popen[bytes]] = []
        self._clients: list[subprocess.Popen[bytes]] = []
        self._flows: list[dict[str, Any]] = []

    def ask(self, request: dict[str, Any] | None) -> Any:
        """Start a flow: with `do` "listen" its server, whose port is returned, then with "send" its client.

        None waits for all clients, and returns the result of each.
        """
        if request is None:
            return [
                {"number": flow["number"], **_result(client, flow["protocol"])}
                for client, flow in zip(self._clients, self._flows, strict=True)
            ]
        if request["do"] == "listen":
            return self._listen(request)
        self._send(request)
        return None

    def _listen(self, flow: dict[str, Any]) -> int:
        """Start the server; return its port once it listens."""
        port = _FIRST_PORT + len(self._servers)
        server = self._spawn(flow["target"], ["-s", "-1", "--forceflush", "-p", str(port)])
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
        return port

    def _send(self, flow: dict[str, Any]) -> None:
        """Start the client."""
        client = [
            "--json",
            "-c",
            flow["address"],
            "-p",
            str(flow["port"]),
            "-t",
            str(max(1, int(flow["seconds"]))),
        ]
        if flow["protocol"] == "udp":
            client += ["-u", "-l", str(flow["size"])]
        if flow["bandwidth"] is not None:
            client += ["-b", str(round(flow["bandwidth"]))]
        self._clients.append(self._spawn(flow["source"], client))
        self._flows.append(flow)

    def _spawn(self, node: int, words: Sequence[str]) -> subprocess.Popen[bytes]:
        return self._nodes.spawn(node, [*self._tag, "iperf3", *words])

    def stop(self) -> None:
        """End all running processes."""
        for process in (*self._clients, *self._servers):
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()
        self._clients, self._servers = [], []


def _result(client: subprocess.Popen[bytes], protocol: str) -> dict[str, Any]:
    """Return the result of an iperf3 client, in the format of our own senders."""
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
