"""A port that isn't an sshd is said with its fix, and without the tracebacks that paramiko's thread logs."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("paramiko")

_TRY = """
import sys
from pathlib import Path
from types import SimpleNamespace as N
from emulator.carriers.ssh import connection
connection._CONNECT_SECONDS = 0.2
keys = N(ssh=N(port=int(sys.argv[1]), user="root", key="", known_hosts="none"))
try:
    connection.connected(N(keys=keys, path=lambda name: Path(sys.argv[2]) / name), "127.0.0.1")
except connection.NotConnectedError as error:
    print(error.check, error.what, error.fix)
"""


def test_a_silent_port_is_said_with_its_fix_and_without_tracebacks(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        tried = subprocess.run(
            [sys.executable, "-c", _TRY, str(port), str(tmp_path)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert f"SSH port {port} doesn't speak SSH" in tried.stdout
    assert "does an sshd listen there?" in tried.stdout
    assert tried.stderr == ""
