"""A relay between switches in a network's namespace and a controller that runs elsewhere.

Run as `python -m emulator.controllers.relay --listen PORT --to HOST PORT --outside FD`, in the
switches' network namespace, where it listens on 127.0.0.1. FD is a descriptor of the namespace from
which it connects. The process stays in the first, by which it is found and ended; only the threads
that connect are in the other (a socket belongs to the namespace in which it was made).

While the controller is away a switch's connection is reset at once: the switch tries again, as it
does with a controller that refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from emulator.linux.syscalls import CLONE_NEWNET, setns

_CHUNK = 65536
_CONNECT = 5.0
"""Seconds that a connection to the controller may take."""
_THREADS = 8
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""`struct linger` {1, 0}: closing sends a reset."""


class Relay:
    """Connects each switch that comes to `address`:`port`, from the namespace of descriptor `outside`."""

    def __init__(self, address: str, port: int, outside: int) -> None:
        self._to = (address, port)
        self._connectors = ThreadPoolExecutor(_THREADS, "outside", setns, (outside, CLONE_NEWNET))
        self._away = False

    async def serve(self, port: int) -> None:
        """Listen on 127.0.0.1:`port` and relay until SIGTERM comes."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        server = await asyncio.start_server(self._relay, "127.0.0.1", port, limit=_CHUNK, backlog=1024)
        await ended.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await self._connect()
        if far is None:
            switch = writer.get_extra_info("socket")
            switch.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(sock=far, limit=_CHUNK)
        ways = [asyncio.create_task(way) for way in (_pump(reader, far_writer), _pump(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:  # OpenFlow has no half-closed connections: one end gone is both gone
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()

    async def _connect(self) -> socket.socket | None:
        """Return a connection to the controller, or None; say it once when it is away or back."""
        loop = asyncio.get_running_loop()
        try:
            far = await loop.run_in_executor(self._connectors, _connected, self._to)
        except OSError as error:
            if not self._away:
                _say(f"{self._to[0]} port {self._to[1]}: {error}; switches try again")
            self._away = True
            return None
        if self._away:
            _say(f"{self._to[0]} port {self._to[1]} is there again")
        self._away = False
        return far


def _connected(to: tuple[str, int]) -> socket.socket:
    far = socket.create_connection(to, timeout=_CONNECT)
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    far.setblocking(False)  # noqa: FBT003 -- the library's
    return far


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def main() -> None:
    """Relay until asked to end."""
    parser = argparse.ArgumentParser(prog="python -m emulator.controllers.relay", description=__doc__)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--to", nargs=2, required=True, metavar=("HOST", "PORT"))
    parser.add_argument("--outside", type=int, required=True)
    given = parser.parse_args()
    try:
        asyncio.run(Relay(given.to[0], int(given.to[1]), given.outside).serve(given.listen))
    except OSError as error:
        _say(f"can't listen on 127.0.0.1:{given.listen}: {error.strerror}")
        sys.exit(4)


if __name__ == "__main__":
    main()
