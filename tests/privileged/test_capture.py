"""Recordings hold the packets that passed, with tcpdump and without."""

from __future__ import annotations

import io
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

from emulator.access import CaptureRequest
from emulator.engines.netns import NetnsNetwork
from emulator.linux.capture import record, tcpdump
from emulator.linux.processes.execute import Place
from emulator.state import NetworkState

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: c\ntopology: {generator: linear, k: 2, hosts_per_switch: 1}\n"


@pytest.fixture
def network(tmp_path: Path, cli: CommandLine, state_dir: Path) -> NetnsNetwork:
    (tmp_path / "c.yaml").write_text(FILE)
    cli("up", "c.yaml", code=0)
    return NetnsNetwork(NetworkState(state_dir, "c"))


def packets(data: bytes) -> Iterator[bytes]:
    """Read a pcap file: its own reader, from the format's description."""
    magic, major, minor, _, _, _, link = struct.unpack_from("=IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1)
    at = 24
    while at < len(data):
        _, nanoseconds, kept, length = struct.unpack_from("=IIII", data, at)
        assert nanoseconds < 10**9
        assert kept == length
        yield data[at + 16 : at + 16 + kept]
        at += 16 + kept
    assert at == len(data)


def echoes(data: bytes) -> list[int]:
    """Return the ICMP types of the echo packets in a pcap file."""
    return [p[34] for p in packets(data) if p[12:14] == b"\x08\x00" and p[23] == 1]


def ping(cli: CommandLine) -> threading.Thread:
    """Ping in the background, a while after now and a while on."""
    words = ("exec", "h1", "--", "ping", "-c", "12", "-i", "0.2", "h2")
    thread = threading.Thread(target=cli, args=words)
    thread.start()
    return thread


@pytest.mark.parametrize("program", ["tcpdump", None])
def test_the_packets_of_a_ping_are_in_it(
    network: NetnsNetwork, cli: CommandLine, program: str | None
) -> None:
    if program and not tcpdump():
        pytest.skip("tcpdump isn't here")
    thread = ping(cli)
    node = network.topology.names.find("s1")
    assert node is not None
    with (cli.folder / "a.pcap").open("wb") as file:
        found = record(network._store, Place("s1"), CaptureRequest("s1-eth1", count=4, seconds=10), file,
                       tcpdump if program else lambda: None)  # fmt: skip
    thread.join()
    data = (cli.folder / "a.pcap").read_bytes()
    assert found.packets == len(list(packets(data))) == 4
    assert {0, 8} <= set(echoes(data))
    cli("down", "c", code=0)


@pytest.mark.skipif(not tcpdump(), reason="tcpdump isn't here")
def test_a_file_without_a_descriptor_gets_the_same(network: NetnsNetwork, cli: CommandLine) -> None:
    thread, file = ping(cli), io.BytesIO()
    node = network.topology.names.index("s1")
    found = network.access.capture(node, CaptureRequest("s1-eth1", count=4, seconds=10), file)
    thread.join()
    assert found.packets == len(list(packets(file.getvalue()))) == 4
    cli("down", "c", code=0)


def test_a_switch_shows_all_that_passes_through(network: NetnsNetwork, cli: CommandLine) -> None:
    thread = ping(cli)
    file = io.BytesIO()
    record(network._store, Place("s1"), CaptureRequest("s1", seconds=1.5), file, lambda: None)
    thread.join()
    assert {0, 8} <= set(echoes(file.getvalue()))
    cli("down", "c", code=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_is_whole(network: NetnsNetwork, cli: CommandLine, number: int) -> None:
    command = [sys.executable, "-m", "emulator", "capture", "--link", "s1", "s2", "-o", "-"]
    process = subprocess.Popen(command, cwd=cli.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    thread = ping(cli)
    data = b""
    while b"\x08\x00\x45" not in data:  # an IPv4 packet has begun: before it there is ARP
        more = process.stdout.read1(4096)
        assert more, process.communicate()
        data += more
    process.send_signal(number)
    rest, words = process.communicate(timeout=10)
    thread.join()
    assert process.returncode == 0, words
    assert echoes(data + rest)
    cli("down", "c", code=0)


def test_places_that_are_not_there_are_refused(network: NetnsNetwork, cli: CommandLine) -> None:
    assert "has no port `9`" in cli("capture", "s1:9", "-o", "x.pcap", code=2).stderr
    assert "no link joins" in cli("capture", "--link", "h1", "h2", "-o", "x.pcap", code=2).stderr
    assert "give a port" in cli("capture", "-o", "x.pcap", code=2).stderr
    assert not (cli.folder / "x.pcap").exists()
    cli("down", "c", code=0)


@pytest.mark.skipif(not tcpdump(), reason="tcpdump isn't here")
def test_a_filter_keeps_only_what_matches(network: NetnsNetwork, cli: CommandLine) -> None:
    thread = ping(cli)
    cli(
        "capture", "h1", "-o", "f.pcap", "--count", "2", "--seconds", "10", "--filter", "icmp[0] == 0", code=0
    )
    thread.join()
    assert echoes((cli.folder / "f.pcap").read_bytes()) == [0, 0]
    said = cli("capture", "h1", "-o", "f.pcap", "--filter", "nonsense", code=2).stderr
    assert "--filter `nonsense`" in said
    assert "syntax error" in said
    assert echoes((cli.folder / "f.pcap").read_bytes()) == [0, 0]  # what was there is not touched
    cli("down", "c", code=0)
