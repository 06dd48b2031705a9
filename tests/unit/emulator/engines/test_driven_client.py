"""The protocol with the driver, against a driver that is a few lines of this test."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths, DriverProcess, began
from emulator.errors import BrokenError

Behaviour = Callable[[dict[str, Any], socket.socket], None]


@contextmanager
def fake(folder: Path, behaviour: Behaviour) -> Iterator[Driver]:
    paths = DriverPaths(folder)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(paths.socket))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            behaviour(json.loads(lines.readline()), connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Driver("m", "Mininet", paths, DriverProcess(os.getpid(), began(os.getpid())))
    finally:
        thread.join()
        listener.close()


def test_steps_go_and_what_they_gave_comes_back(tmp_path: Path) -> None:
    asked = []

    def behaviour(request: dict[str, Any], connection: socket.socket) -> None:
        asked.append(request)
        connection.sendall(b'{"progress": ["nodes", 1, 2]}\n{"progress": ["nodes", 2, 2]}\n{"ok": [')
        time.sleep(0.01)
        connection.sendall(b'{"h1": 7}]}\n')

    told = []
    with fake(tmp_path, behaviour) as driver:
        given = driver.ask(
            ("nodes", {"documents": []}), progress=lambda *words: told.append(words), seconds=5
        )
    assert given == [{"h1": 7}]
    assert told == [("nodes", 1, 2), ("nodes", 2, 2)]
    assert asked == [{"do": [["nodes", {"documents": []}]], "seconds": 5}]
    assert driver.alive


def test_the_programs_words_are_an_error(tmp_path: Path) -> None:
    with (
        fake(tmp_path, lambda _, connection: connection.sendall(b'{"error": "no such thing"}\n')) as driver,
        pytest.raises(BrokenError, match="Mininet: no such thing"),
    ):
        driver.ask(("info", {}))


@pytest.mark.parametrize("answer", [b"", b'{"ok": [', b"nonsense\n"])
def test_a_driver_that_ends_half_way_is_said_with_the_way_out(answer: bytes, tmp_path: Path) -> None:
    with (
        fake(tmp_path, lambda _, connection: connection.sendall(answer)) as driver,
        pytest.raises(BrokenError, match=r"has ended .*driver\.log.*`emulator down m`"),
    ):
        driver.ask(("info", {}))


def test_a_driver_that_says_nothing_is_waited_for_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.engines.driven.client._GRACE", 0.1)
    with (
        fake(tmp_path, lambda _, connection: connection.recv(1) and None) as driver,
        pytest.raises(BrokenError, match="doesn't answer"),
    ):
        driver.ask(("info", {}), seconds=0.1)


def test_no_driver_at_all(tmp_path: Path) -> None:
    driver = Driver("m", "Mininet", DriverPaths(tmp_path / "gone"), DriverProcess(-1, -2))
    assert not driver.alive
    with pytest.raises(BrokenError, match="has ended"):
        driver.ask(("info", {}))
    assert driver.ask() == []


def test_a_process_is_known_by_when_it_began() -> None:
    me = os.getpid()
    assert DriverProcess(me, began(me)).alive
    assert not DriverProcess(me, began(me) + 1).alive
    assert began(2**22 + 1) == -1
