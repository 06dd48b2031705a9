"""An SSH server on loopback for tests: any user with the right key, commands run here as this process."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko


class _Login(paramiko.ServerInterface):
    """What one connection may do: run a command with the key of the test."""

    def __init__(self, key: paramiko.PKey) -> None:
        self._key = key
        self.commands: dict[int, bytes] = {}
        self.asked = threading.Event()

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        del username
        return paramiko.AUTH_SUCCESSFUL if key == self._key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands[channel.get_id()] = command
        self.asked.set()
        return True


class SshServer:
    """The server; `folder` gets `user` (a client's key) and `known_hosts`."""

    def __init__(self, folder: Path) -> None:
        self._host_key = paramiko.ECDSAKey.generate()
        user = paramiko.ECDSAKey.generate()
        user.write_private_key_file(str(folder / "user"))
        self._user = user
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.known = f"[127.0.0.1]:{self.port} {self._host_key.get_name()} {self._host_key.get_base64()}\n"
        (folder / "known_hosts").write_text(self.known)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, paramiko.SSHException, EOFError):  # a client may hang up at any moment
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with paramiko.Transport(connection) as transport:
            transport.add_server_key(self._host_key)
            login = _Login(self._user)
            transport.start_server(server=login)
            channel = transport.accept(5)
            if channel is None or not login.asked.wait(5):
                return
            done = subprocess.run(
                ["sh", "-c", login.commands[channel.get_id()].decode()],
                input=channel.makefile("rb").read(), capture_output=True, check=False,
            )  # fmt: skip
            channel.sendall(done.stdout)
            channel.sendall_stderr(done.stderr)
            channel.send_exit_status(done.returncode)
            channel.close()
