"""UNIX sockets whose paths are longer than an address has room for."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from emulator.linux.processes.unix_sockets import bound, connected


def test_a_long_path_is_bound_and_connected_to(tmp_path: Path) -> None:
    folder = tmp_path / ("f" * 200)
    folder.mkdir()
    path = folder / "socket"
    with bound(path) as listener:
        listener.listen()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with connected(path, 5.0) as client, listener.accept()[0] as server:
            client.sendall(b"hello")
            assert server.recv(10) == b"hello"
    with bound(path):  # in place of the old one
        pass


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connected(tmp_path / "no", 1.0)
    with pytest.raises(FileNotFoundError):
        bound(tmp_path / "no" / "socket")
