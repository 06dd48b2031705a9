"""Flows of one `traffic` step, each by an iperf3 server and client in its nodes."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from emulator.errors import BrokenError, EmulationError, UnableError
from emulator.tasks import Nodes

_FIRST_PORT = 5201
_PATIENCE = 10.0
"""Seconds that a client may take to report its result."""
_REFUSED_SECONDS = 5.0
"""Seconds for which a client is started again: the server's worker may begin it a little later."""
_AGAIN = 0.1


class Iperf3Flows:
    """Task that starts flows and returns their results. Each command begins with the words `tag`."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        if shutil.which("iperf3") is None:
            raise UnableError("`using: iperf3` needs iperf3; apt-get install iperf3, or use our own senders")
        self._nodes = nodes
        self._tag: list[str] = arguments["tag"]
        self._servers: list[subprocess.Popen[bytes]] = []
        self._apart: list[subprocess.Popen[bytes]] = []
        self._clients: list[_Client] = []
        self._flows: list[dict[str, Any]] = []

    def ask(self, request: dict[str, Any] | None) -> Any:
        """Start a half of a flow: "listen" (of `do`) a server, whose port is returned, or "send" a client.

        None waits for all clients and for servers of clients elsewhere; returns the result of each client.
        """
        if request is None:
            found = [
                {"number": flow["number"], **_result(client, flow["protocol"])}
                for client, flow in zip(self._clients, self._flows, strict=True)
            ]
            self._await_servers()
            return found
        if request["do"] == "listen":
            return self._listen(request)
        self._send(request)
        return None

    def _await_servers(self) -> None:
        """Wait for the servers of clients on other workers, which read their results from them."""
        until = time.monotonic() + _PATIENCE
        for server in self._apart:
            with suppress(subprocess.TimeoutExpired):
                server.wait(max(0.0, until - time.monotonic()))

    def _listen(self, flow: dict[str, Any]) -> int:
        """Start the server; return its port once it listens."""
        port = flow["port"] or _FIRST_PORT + len(self._servers)
        server = self._spawn(flow["target"], ["-s", "-1", "--forceflush", "-p", str(port)])
        self._servers.append(server)
        if flow["port"]:
            self._apart.append(server)
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
        self._clients.append(_Client(partial(self._spawn, flow["source"], client)))
        self._flows.append(flow)

    def _spawn(self, node: int, words: Sequence[str]) -> subprocess.Popen[bytes]:
        return self._nodes.spawn(node, [*self._tag, "iperf3", *words])

    def stop(self) -> None:
        """End all running processes."""
        for client in self._clients:
            client.stop()
        for process in self._servers:
            _end(process)
        self._clients, self._servers = [], []


class _Client:
    """An iperf3 client, started again while its server, perhaps on another worker, doesn't listen yet."""

    def __init__(self, spawn: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._spawn = spawn
        self._stopped = False
        self._lock = threading.Lock()
        self._process = spawn()
        self._said = b""
        self._thread = threading.Thread(target=self._run, name="iperf3", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        until = time.monotonic() + _REFUSED_SECONDS
        while True:
            self._said = self._process.communicate()[0]
            if b"Connection refused" not in self._said or time.monotonic() > until:
                return
            time.sleep(_AGAIN)
            with self._lock:
                if self._stopped:
                    return
                try:
                    self._process = self._spawn()
                except (EmulationError, OSError):  # the node is gone: what it said before counts
                    return

    def said(self) -> bytes:
        """Return what it has said once it has ended; nothing if it doesn't end in time."""
        self._thread.join(_PATIENCE)
        return b"" if self._thread.is_alive() else self._said

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._stopped = True
        with suppress(ProcessLookupError):
            self._process.kill()
        self._thread.join()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.communicate()


def _result(client: _Client, protocol: str) -> dict[str, Any]:
    """Return the result of an iperf3 client, in the format of our own senders."""
    nothing: dict[str, Any] = {"sent_bytes": 0, "received_bytes": 0, "seconds": 0.0, "series": []}
    try:
        said = json.loads(client.said())
    except ValueError:
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
