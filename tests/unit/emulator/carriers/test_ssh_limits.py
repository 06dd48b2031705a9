"""A machine whose command never ends is given up: reading its output and waiting for its end have limits."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.carriers.ssh import connection
from emulator.errors import UnableError

pytest.importorskip("paramiko")


class Client:
    """Connection whose command closes its output; it ends only if `ends`."""

    def __init__(self, *, ends: bool) -> None:
        self.ended = threading.Event()
        if ends:
            self.ended.set()

    def exec_command(self, command: str, timeout: float) -> tuple[Any, Any, Any]:
        del command
        assert timeout
        channel = SimpleNamespace(
            status_event=self.ended, recv_exit_status=lambda: 7, shutdown_write=lambda: None
        )
        stdin = SimpleNamespace(write=lambda _: None, channel=channel)
        stdout = SimpleNamespace(read=lambda _: b"[]", channel=channel)
        return stdin, stdout, io.BytesIO()


def test_a_command_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ANSWER_SECONDS", 0.05)
    with pytest.raises(UnableError, match="head: no answer over SSH: the command hasn't ended within"):
        connection._run(Client(ends=False), "head", "sh", "")  # type: ignore[arg-type]
    assert connection._run(Client(ends=True), "head", "sh", "")[0] == 7  # type: ignore[arg-type]
