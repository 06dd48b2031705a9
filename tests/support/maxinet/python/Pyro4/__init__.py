"""Stand-in for Pyro4, our own code: what MaxiNet and its driver use of it, over pickle and TCP.

As with the real one, a proxy carries one call at a time, and one whose call was given up must be released.
"""

from __future__ import annotations

import pickle
import socket
import socketserver
import struct
import threading
import uuid
from typing import Any, NamedTuple

from . import errors, util

__all__ = ["URI", "Daemon", "Proxy", "config", "errors", "expose", "locateNS", "util"]
__version__ = "4.82 (stand-in)"
NAMES = "Pyro.NameServer"
_SIZE = struct.Struct("!I")


class _Config:
    SERIALIZER = "serpent"
    COMMTIMEOUT = 0.0

    def __init__(self) -> None:
        self.SERIALIZERS_ACCEPTED = {"serpent"}


config = _Config()


def expose(method: Any) -> Any:
    """Let a method be called from elsewhere; here all can be."""
    return method


class URI(NamedTuple):
    """Address of a remote object."""

    object: str
    host: str
    port: int


def _send(connection: socket.socket, value: Any) -> None:
    data = pickle.dumps(value)
    connection.sendall(_SIZE.pack(len(data)) + data)


def _receive(connection: socket.socket) -> Any:
    (size,) = _SIZE.unpack(_exactly(connection, _SIZE.size))
    return pickle.loads(_exactly(connection, size))  # noqa: S301 -- between the processes of a test


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


class Proxy:
    """A remote object."""

    def __init__(self, uri: URI) -> None:
        self._pyroUri = uri
        self._pyroHmacKey: str | None = None
        self._pyroTimeout = config.COMMTIMEOUT or None
        self._pyroConnection: socket.socket | None = None
        self._pyroLock = threading.Lock()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._pyroRelease()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *words, **named: self._pyroInvoke(name, words, named)

    def _pyroInvoke(self, name: str, words: Any, named: Any) -> Any:
        with self._pyroLock:
            try:
                if self._pyroConnection is None:
                    self._pyroConnection = socket.create_connection(self._pyroUri[1:], self._pyroTimeout)
                self._pyroConnection.settimeout(self._pyroTimeout)
                _send(self._pyroConnection, (self._pyroHmacKey, self._pyroUri.object, name, words, named))
                worked, value = _receive(self._pyroConnection)
            except TimeoutError:
                self._pyroRelease()
                raise errors.TimeoutError("receiving: timeout") from None
            except OSError as error:
                self._pyroRelease()
                raise errors.ConnectionClosedError(str(error)) from None
        if not worked:
            raise value
        return value

    def _pyroRelease(self) -> None:
        if self._pyroConnection is not None:
            self._pyroConnection.close()
            self._pyroConnection = None


class Daemon:
    """Server of objects, one thread for each connection."""

    def __init__(self, host: str, port: int = 0) -> None:
        self._pyroHmacKey: str | None = None
        self._objects: dict[str, Any] = {}
        daemon = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    while True:
                        _send(self.request, daemon._answer(_receive(self.request)))
                except OSError:
                    return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

        self._server = Server((host, port), Handler)

    def _answer(self, request: Any) -> tuple[bool, Any]:
        key, name, method, words, named = request
        if key != self._pyroHmacKey:
            return False, errors.ProtocolError("hmac key mismatch")
        if name not in self._objects:
            return False, errors.DaemonError(f"unknown object {name}")
        try:
            return True, getattr(self._objects[name], method)(*words, **named)
        except Exception as error:  # noqa: BLE001 -- it is the caller's
            return False, error

    def register(self, made: Any, name: str = "") -> URI:
        """Serve an object; return its address."""
        name = name or uuid.uuid4().hex
        self._objects[name] = made
        return URI(name, *self._server.server_address)

    def requestLoop(self) -> None:
        """Serve for ever."""
        self._server.serve_forever(0.1)

    def unregister(self, made: Any) -> None:
        """Serve an object no more."""
        for name in [name for name, found in self._objects.items() if found is made]:
            del self._objects[name]

    def shutdown(self) -> None:
        """Stop serving."""
        self._server.shutdown()

    def close(self) -> None:
        """Close the socket."""
        self._server.server_close()


def locateNS(host: str, port: int, hmac_key: str | None = None) -> Proxy:
    """Return the name server; NamingError if none answers."""
    found = Proxy(URI(NAMES, host, port))
    found._pyroHmacKey = hmac_key
    try:
        found.ping()
    except errors.PyroError as error:
        raise errors.NamingError(f"failed to locate the nameserver: {error}") from None
    return found
