"""Commands that are waited for: what Ctrl-C does to them."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import IO

import pytest

from emulator.linux.processes import wait as process_wait

COUNTS = """
n=0; trap 'n=$((n+1)); echo $n' INT; echo ready
while [ $n -lt 1 ]; do sleep 0.02; done
sleep 0.3; exit $n
"""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_command_gets_ctrl_c_once_while_it_starts(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal signals a command that is forked already, even if nobody has been told of it yet."""
    said: list[IO[bytes]] = []

    def start(apart: bool) -> subprocess.Popen[bytes]:
        assert apart is not terminal
        command = subprocess.Popen(["/bin/sh", "-c", COUNTS], stdout=subprocess.PIPE, start_new_session=apart)
        assert command.stdout is not None
        said.append(command.stdout)
        assert command.stdout.readline() == b"ready\n"
        os.kill(os.getpid(), signal.SIGINT)
        if terminal:
            command.send_signal(signal.SIGINT)
            assert command.stdout.readline() == b"1\n"
        return command

    monkeypatch.setattr(process_wait, "has_terminal", lambda: terminal)
    assert process_wait.wait_for(start, 20.0) == 1
    said[0].close()
