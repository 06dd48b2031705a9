"""Large UDP packets between light ports, as QUIC sends them: the network cuts them, and all pieces arrive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

NETWORK = "name: net\ntopology: {generator: vpc, vpcs: 1, ports: 2, hosts: 2}\n"
RECEIVE = """
import socket
with socket.socket(type=socket.SOCK_DGRAM) as receiver:
    receiver.bind(("", 9))
    receiver.settimeout(20)
    print("ready", flush=True)
    print(*(len(receiver.recv(2000)) for _ in range(10)))
"""
SEND = """
import socket, sys
UDP_SEGMENT = 103
with socket.socket(type=socket.SOCK_DGRAM) as sender:
    sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    sender.sendto(bytes(9500), (sys.argv[1], 9))
"""


def test_a_large_udp_packet_arrives_in_pieces(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NETWORK)
    cli("up", "net.yaml", code=0)
    hosts = [cli.json("status", "net", port)["host"] for port in ("v1s1p1", "v1s1p2")]
    assert hosts[0] != hosts[1]
    address = str(cli.json("status", "net", "v1s1p2")["address"]).partition("/")[0]
    words = [sys.executable, "-m", "emulator", "exec", "v1s1p2", "--", sys.executable, "-c", RECEIVE]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
        cli("exec", "v1s1p1", "--", sys.executable, "-c", SEND, address, code=0)
        heard, _ = receiver.communicate(timeout=30)
    assert heard.split() == [*["1000"] * 9, "500"]
    cli("down", "net", code=0)
