"""The database's client against a server of a few lines."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.errors import BrokenError
from emulator.ovs.database import Database, members

Answer = Callable[[dict[str, Any]], bytes]


@contextmanager
def serving(path: Path, answer: Answer) -> Iterator[None]:
    """Answer each question on the socket `path`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                text = ""
                while data := peer.recv(4096):
                    text += data.decode()
                    # one piece may hold two messages: an echo's reply and the next question
                    while text:
                        try:
                            question, end = json.JSONDecoder().raw_decode(text)
                        except ValueError:
                            break
                        text = text[end:]
                        if "method" in question:
                            peer.sendall(answer(question))

        thread = threading.Thread(target=serve)
        thread.start()
        yield
    thread.join()


def reply(question: dict[str, Any], result: list[Any]) -> bytes:
    return json.dumps({"id": question["id"], "result": result, "error": None}).encode()


def test_a_transaction_is_answered_even_in_the_midst_of_other_messages(tmp_path: Path) -> None:
    echo = b'{"id":"echo","method":"echo","params":[]}'
    with (
        serving(
            tmp_path / "db", lambda q: echo + b' {"id":null,"method":"update"}' + reply(q, [{"rows": []}])
        ),
        Database(tmp_path / "db") as database,
    ):
        assert database.transact([{"op": "select"}]) == [{"rows": []}]
        assert database.select("Bridge", ["name"]) == []


def test_a_refused_operation_is_told_with_its_words(tmp_path: Path) -> None:
    refused = [{}, {"error": "constraint violation", "details": "twice"}]
    with (
        serving(tmp_path / "db", lambda q: reply(q, refused)),
        Database(tmp_path / "db") as database,
        pytest.raises(BrokenError, match="constraint violation twice"),
    ):
        database.transact([{"op": "insert"}, {"op": "insert"}])


def test_the_daemon_that_is_too_slow_is_no_error(tmp_path: Path) -> None:
    def answer(question: dict[str, Any]) -> bytes:
        if question["params"][1]["op"] == "wait":
            return reply(question, [{"error": "timed out", "details": "x"}])
        return reply(question, [{"count": 1}, {"rows": [{"next_cfg": 3}]}])

    with serving(tmp_path / "db", answer), Database(tmp_path / "db") as database:
        assert database.configured(0.1) is False


def test_a_daemon_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "db", lambda q: reply(q, [{"count": 1}, {"rows": [{"next_cfg": 3}]}])),
        Database(tmp_path / "db") as database,
    ):
        assert database.configured(60) is True
        assert database.configured(60, lambda: False) is False


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="doesn't answer"):
        Database(tmp_path / "db")


def test_a_server_that_ends_is_said(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "db"))
        listener.listen()
        with Database(tmp_path / "db") as database:
            listener.accept()[0].close()
            with pytest.raises(BrokenError, match="ended"):
                database.transact([{"op": "select"}])


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    link = tmp_path / "l"
    link.symlink_to(folder)
    with serving(link / "db", lambda q: reply(q, [{"rows": []}])), Database(folder / "db") as database:
        assert database.select("Bridge", ["name"]) == []


@pytest.mark.parametrize(("value", "wanted"), [(["set", []], []), (["set", [1, 2]], [1, 2]), (7, [7])])
def test_sets_of_one_are_written_without_the_word(value: object, wanted: list[object]) -> None:
    assert members(value) == wanted
