"""The pcap writer, without any packets from a kernel."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
from pathlib import Path

import pytest

from emulator.access import CaptureRequest
from emulator.errors import UnableError
from emulator.linux import capture
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.pcap import Counter, Writer
from emulator.linux.processes.execute import Place


def test_header_and_packets_are_as_the_format_says() -> None:
    file = io.BytesIO()
    writer = Writer(file)
    writer.write(1_700_000_000_123_456_789, b"abc", 1514)
    data = file.getvalue()
    assert struct.unpack("=IHHiIII", data[:24]) == (0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
    assert struct.unpack("=IIII", data[24:40]) == (1_700_000_000, 123_456_789, 3, 1514)
    assert data[40:] == b"abc"
    assert writer.packets == 1


def test_an_empty_recording_is_a_whole_file() -> None:
    file = io.BytesIO()
    Writer(file)
    assert len(file.getvalue()) == 24


def test_a_filter_without_tcpdump_is_refused_with_the_fix(tmp_path: Path) -> None:
    store = NamespaceStore(tmp_path / "mnt", tmp_path / "ns")
    with pytest.raises(UnableError, match="apt install tcpdump"):
        capture.record(
            store, Place("h1"), CaptureRequest("h1-eth0", filter="icmp"), io.BytesIO(), lambda: None
        )


def test_the_kernels_time_is_taken() -> None:
    assert capture._when([(1, 35, struct.pack("=qq", 5, 7))]) == 5_000_000_007


def test_counts_are_read_from_what_tcpdump_says() -> None:
    lines = ["tcpdump: listening on x", "12 packets captured", "14 packets received by filter",
             "2 packets dropped by kernel"]  # fmt: skip
    assert capture._number(lines, "captured") == 12
    assert capture._number(lines, "dropped by kernel") == 2
    assert capture._number(lines[:1], "captured") is None


def test_what_has_a_descriptor_of_its_own_is_written_directly_and_all_else_is_copied(tmp_path: Path) -> None:
    memory = io.BytesIO()
    with (tmp_path / "plain").open("wb") as plain, gzip.open(tmp_path / "packed", "wb") as packed:
        plain.write(b"before ")
        for file, own in ((plain, True), (memory, False), (packed, False)):
            with capture._descriptor(file) as descriptor:
                assert (descriptor == plain.fileno()) == own
                subprocess.run(["printf", "packets"], stdout=descriptor, check=True)
    assert (tmp_path / "plain").read_bytes() == b"before packets"
    assert memory.getvalue() == gzip.decompress((tmp_path / "packed").read_bytes()) == b"packets"


def test_a_file_that_refuses_ends_the_recording_with_its_own_error() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "no space")

    def record() -> None:
        with capture._descriptor(Full()) as descriptor:
            done = subprocess.run(
                ["yes"], stdout=descriptor, stderr=subprocess.DEVNULL, timeout=20, check=False
            )
            assert done.returncode != 0

    with pytest.raises(OSError, match="no space"):
        record()


@pytest.mark.parametrize("piece", [1, 5, 16, 24, 40, 1000])
def test_packets_of_a_file_are_counted_whatever_pieces_it_comes_in(piece: int) -> None:
    written, copied = io.BytesIO(), io.BytesIO()
    writer, counter = Writer(written), Counter(copied)
    for length in (0, 1, 60, 16, 0, 24):
        writer.write(1, bytes(length), length)
    data = written.getvalue()
    for at in range(0, len(data), piece):
        counter.write(data[at : at + piece])
    assert copied.getvalue() == data
    assert counter.packets == writer.packets == 6
