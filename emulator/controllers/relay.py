"""Relay between switches in a network's namespace and a controller that runs elsewhere.

Run as `python -m emulator.controllers.relay --listen PORT --to HOST PORT --outside FD` in the switches'
network namespace, it listens on 127.0.0.1. FD is a descriptor of the namespace from which it connects.
The process itself stays in the first namespace, by which it is found and ended. Only the threads that
create outgoing sockets enter the other (a socket belongs to the namespace in which it was created).

While the controller is away, a switch's connection is reset at once. The switch tries again, as with a
controller that refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from emulator.controllers.reach import AWAY
from emulator.linux.namespaces.syscalls import CLONE_NEWNET, setns

_CHUNK = 65536
_CONNECT = 5.0
"""Seconds that a connection to the controller may take."""
_THREADS = 4
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""`struct linger` {1, 0}: closing sends a reset."""


class Relay:
    """Connects each switch to `address`:`port` from the namespace of descriptor `outside`."""

    def __init__(self, address: str, port: int, outside: int) -> None:
        self._to = (address, port)
        self._outside = ThreadPoolExecutor(_THREADS, "outside", setns, (outside, CLONE_NEWNET))
        self._away = False
        self._open: set[asyncio.StreamWriter] = set()
        self._relayed: set[asyncio.Task[None]] = set()

    async def serve(self, port: int) -> None:
        """Listen on 127.0.0.1:`port` and relay until SIGTERM."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=_CHUNK, backlog=1024)
        self._say("relayed to")
        await ended.wait()
        server.close()
        for end in self._open:
            end.transport.abort()
        if self._relayed:
            await asyncio.wait(self._relayed, timeout=1.0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(reader, writer))
        self._relayed.add(task)
        task.add_done_callback(self._relayed.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await self._connect()
        if far is None:
            switch = writer.get_extra_info("socket")
            switch.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(sock=far, limit=_CHUNK)
        self._open |= {writer, far_writer}
        ways = [asyncio.create_task(way) for way in (_pump(reader, far_writer), _pump(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:  # OpenFlow has no half-closed connections: one end gone is both gone
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()
            self._open -= {writer, far_writer}

    async def _connect(self) -> socket.socket | None:
        """Return a connection to the controller, or None; log once when it goes away or comes back."""
        loop = asyncio.get_running_loop()
        reason: OSError | None = None
        try:
            made = await loop.run_in_executor(self._outside, _sockets, self._to)
        except OSError as error:
            made, reason = [], error
        for number, (far, address) in enumerate(made):
            try:
                await asyncio.wait_for(loop.sock_connect(far, address), _CONNECT)
            except OSError as error:  # a TimeoutError is one
                reason = error
                far.close()
                continue
            for other, _ in made[number + 1 :]:
                other.close()
            self._note(away=None)
            return far
        self._note(away=reason)
        return None

    def _note(self, away: OSError | None) -> None:
        if (away is not None) is not self._away:
            self._say(f"{_reason(away)}{AWAY}" if away else "is there again")
        self._away = away is not None

    def _say(self, words: str) -> None:
        """Write a line to the log; `emulator status` reads the last one."""
        sys.stderr.write(f"{self._to[0]} port {self._to[1]}: {words}\n")
        sys.stderr.flush()


def _reason(error: OSError) -> str:
    """Return the system's words for why the controller isn't reached."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or "no answer"
    return os.strerror(error.errno)


def _sockets(to: tuple[str, int]) -> list[tuple[socket.socket, Any]]:
    """Return an unconnected socket for each address of the controller."""
    out = []
    for family, kind, protocol, _, address in socket.getaddrinfo(*to, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)  # noqa: FBT003 -- the library's
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        out.append((made, address))
    return out


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def main() -> None:
    """Run the relay until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m emulator.controllers.relay", description=__doc__)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--to", nargs=2, required=True, metavar=("HOST", "PORT"))
    parser.add_argument("--outside", type=int, required=True)
    given = parser.parse_args()
    try:
        asyncio.run(Relay(given.to[0], int(given.to[1]), given.outside).serve(given.listen))
    except OSError as error:
        sys.exit(f"can't listen on 127.0.0.1:{given.listen}: {error.strerror}")
    os._exit(0)  # without waiting for a name server that doesn't answer


if __name__ == "__main__":
    main()
