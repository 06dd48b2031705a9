"""TCP, UDP and large packets between light ports: every byte arrives, also where a device cuts packets."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.overlay import NEEDS_BPF
from support.overlay_bed import PLAIN, TENANT, NetworkBed, network_bed, run

pytestmark = [pytest.mark.privileged, NEEDS_BPF]

FIRST, SECOND, THIRD = "10.0.1.1", "10.0.2.1", "10.0.3.1"
_SERVE = """
import hashlib, socket, sys
with socket.create_server((sys.argv[1], 80)) as server:
    print("ready", flush=True)
    server.settimeout(10)
    connection, (peer, _) = server.accept()
    connection.settimeout(10)
    digest = hashlib.sha256()
    while data := connection.recv(1 << 16):
        digest.update(data)
    print(peer, digest.hexdigest())
    connection.shutdown(socket.SHUT_WR)
"""
_SEND = """
import os, socket, sys
with socket.create_connection((sys.argv[2], 80), 10, (sys.argv[1], 0)) as connection:
    connection.sendall(open(sys.argv[3], "rb").read())
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
"""


_RECEIVE = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as receiver:
    receiver.bind((sys.argv[1], 9))
    receiver.settimeout(5)
    print("ready", flush=True)
    print(*(len(receiver.recv(2000)) for _ in range(20)))
"""
_SEND_LARGE = """
import socket, sys
UDP_SEGMENT = 103
with socket.socket(type=socket.SOCK_DGRAM) as sender:
    sender.bind((sys.argv[1], 0))
    sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    for _ in range(2):
        sender.sendto(bytes(9500), (sys.argv[2], 9))
"""


@pytest.fixture(scope="module")
def bed() -> Iterator[NetworkBed]:
    with network_bed() as made:
        yield made


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (FIRST, SECOND),
        (FIRST, "10.0.1.9"),
        (THIRD, TENANT.address),
        (TENANT.address, FIRST),
        (PLAIN.address, SECOND),
    ],
)
def test_tcp_carries_every_byte(bed: NetworkBed, tmp_path: Path, source: str, target: str) -> None:
    content = os.urandom(8 << 20)
    (tmp_path / "sent").write_bytes(content)
    with bed.started(bed.at(target), sys.executable, "-c", _SERVE, target) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        bed.execute(bed.at(source), sys.executable, "-c", _SEND, source, target, str(tmp_path / "sent"))
        heard, _ = server.communicate(timeout=10)
    assert heard.split() == [source, hashlib.sha256(content).hexdigest()]


def test_tcp_passes_an_uplink_that_cuts_large_packets(bed: NetworkBed, tmp_path: Path) -> None:
    """A queue with a rate cuts them: it has to find the inner packet in the tunnel."""
    run(
        "tc",
        "-n",
        bed.hosts[1],
        *["qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "400mbit", "burst", "20k", "latency", "20ms"],
    )
    try:
        for target in (FIRST, THIRD, PLAIN.address):
            test_tcp_carries_every_byte(bed, tmp_path, SECOND, target)
    finally:
        run("tc", "-n", bed.hosts[1], "qdisc", "del", "dev", "eth0", "root")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (FIRST, SECOND),
        (FIRST, "10.0.1.9"),
        (TENANT.address, THIRD),
        (THIRD, TENANT.address),
        (FIRST, PLAIN.address),
    ],
)
def test_large_udp_packets_arrive_as_many(bed: NetworkBed, source: str, target: str) -> None:
    with bed.started(bed.at(target), sys.executable, "-c", _RECEIVE, target) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
        bed.execute(bed.at(source), sys.executable, "-c", _SEND_LARGE, source, target)
        heard, _ = receiver.communicate(timeout=10)
    assert heard.split() == ([*["1000"] * 9, "500"]) * 2


def test_uplinks_cut_udp_and_keep_their_other_features(bed: NetworkBed) -> None:
    text = bed.execute(bed.hosts[0], "ethtool", "-k", "eth0")
    assert "tx-udp-segmentation: off" in text
    assert "tcp-segmentation-offload: on" in text
    assert "tx-checksumming: on" in text


def test_full_size_packets_pass_and_larger_ones_are_refused_by_the_sender(bed: NetworkBed) -> None:
    def asked(size: int) -> str:
        words = ["ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", str(size), "-I", FIRST, SECOND]
        done = subprocess.run(
            ["ip", "netns", "exec", bed.hosts[0], *words], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    assert "1 received" in asked(1422)
    assert "mtu=1450" in asked(1423)


def test_fragments_of_tenants_arrive(bed: NetworkBed) -> None:
    words = ["ping", "-n", "-c", "1", "-W", "1", "-s", "5000", "-I", FIRST, SECOND]
    assert "1 received" in bed.execute(bed.hosts[0], *words)
