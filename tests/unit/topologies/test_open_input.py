"""What isn't a file has no end to wait for."""

from __future__ import annotations

import errno
import os
import pty
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from topologies import open_input as module
from topologies.errors import InputError
from topologies.open_input import open_input
from topologies.source import read

MOST = 1 << 22


def everything(path: Path | str) -> bytes:
    with open_input(Path(path), MOST) as file:
        return file.read()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNOPENED", 0.3)
    monkeypatch.setattr(module, "SILENT", 0.6)


@pytest.mark.usefixtures("impatient")
def test_a_pipe_that_nobody_opens_is_refused(fifo: Path) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match=r"nobody wrote to it for 0.3 seconds; give the path of a file"):
        read(fifo)
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("impatient")
def test_a_pipe_whose_writer_says_nothing_is_refused_later(fifo: Path) -> None:
    holder = os.open(fifo, os.O_RDWR)
    try:
        with pytest.raises(OSError, match=r"for 0.6 seconds") as caught:
            everything(fifo)
    finally:
        os.close(holder)
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_pipe_is_read_to_its_end_however_it_comes(fifo: Path) -> None:
    """The writer opens it late, writes more than a pipe holds, and pauses in between."""
    parts = [b"a" * 200_000, b"b" * 3, b"c" * 100_000]

    def write() -> None:
        time.sleep(0.3)
        with fifo.open("wb", buffering=0) as file:
            for part in parts:
                file.write(part)
                time.sleep(0.2)

    thread = threading.Thread(target=write)
    thread.start()
    found = everything(fifo)
    thread.join()
    assert found == b"".join(parts)


def test_process_substitution_is_read() -> None:
    words = [
        "bash",
        "-c",
        'exec "$0" -c "$1" <(sleep 0.2; echo "a: 1")',
        "python3",
        "import sys; print(sys.argv)",
    ]
    assert b"/dev/fd/" in subprocess.run(words, capture_output=True, check=True).stdout
    with subprocess.Popen(["sh", "-c", "sleep 0.2; echo 'a: 1'"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert read(f"/dev/fd/{writer.stdout.fileno()}").data == {"a": 1}


def test_a_pipe_that_ended_without_a_word_is_empty() -> None:
    reading_end, writing_end = os.pipe()
    os.close(writing_end)
    try:
        assert everything(f"/dev/fd/{reading_end}") == b""
    finally:
        os.close(reading_end)


def test_an_endless_device_and_an_endless_pipe_are_cut_off(fifo: Path) -> None:
    assert len(everything("/dev/zero")) == MOST
    assert everything("/dev/null") == b""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert len(everything(f"/dev/fd/{writer.stdout.fileno()}")) == MOST
        writer.stdout.close()


def test_a_terminal_a_socket_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        with pytest.raises(InputError, match=r"it is a terminal; give the path of a file, or a pipe"):
            read(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match=r"it is a socket; give the path of a file"):
            read(tmp_path / "s")
    with pytest.raises(InputError, match="is a directory"):
        read(tmp_path)


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (MOST + 5))
    assert everything(path) == path.read_bytes()
