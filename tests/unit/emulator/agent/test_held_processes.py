"""Processes on workers: what a client hasn't got is sent again."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from emulator.agent.processes import _MOST_WAITING, HeldProcess

WORDS = ["sh", "-c", "printf abc; printf oops >&2; read line; printf def; exit 3"]


@pytest.fixture
def held() -> Iterator[HeldProcess]:
    pipe = subprocess.PIPE
    process = HeldProcess(subprocess.Popen(WORDS, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0))
    yield process
    process.close()


def whole(held: HeldProcess, got: list[int], wanted: tuple[bytes, bytes]) -> None:
    """Read until everything that is wanted has come."""
    end = time.monotonic() + 10
    while (found := held.read(0.1, got)[:2]) != wanted and time.monotonic() < end:
        time.sleep(0.01)
    assert found == wanted


def test_an_answer_that_was_lost_comes_again(held: HeldProcess) -> None:
    whole(held, [0, 0], (b"abc", b"oops"))
    whole(held, [0, 0], (b"abc", b"oops"))
    whole(held, [1, 4], (b"bc", b""))
    held.write(b"\n", end=True)
    whole(held, [3, 4], (b"def", b""))
    whole(held, [3, 4], (b"def", b""))
    assert [held.read(5, [6, 4]) for _ in range(2)] == [(b"", b"", 3)] * 2


def test_closing_ends_the_threads_although_the_client_is_behind() -> None:
    """The client was killed while the process wrote more than is kept for it."""
    before = set(threading.enumerate())
    pipe = subprocess.PIPE
    held = HeldProcess(subprocess.Popen(["yes"], stdin=pipe, stdout=pipe, stderr=pipe, process_group=0))
    started = set(threading.enumerate()) - before
    assert started
    deadline = time.monotonic() + 20
    while len(held.read(0.05, [0, 0])[0]) < _MOST_WAITING:
        assert time.monotonic() < deadline
    held.close()
    for thread in started:
        thread.join(10)
    assert not [thread for thread in started if thread.is_alive()]
