"""Commands in nodes: many at once, and ended in their nodes when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import nullcontext
from typing import Any

from serving.jobs import ATTEMPT_SECONDS, end_script, job_mark
from serving.server import Progress

from .build import Builder, Document
from .results import TransportError
from .transport import Transport
from .worker_scripts import script

_FAILED = 255
_END_SECONDS = 10.0
_PAUSE = 0.2


class Job:
    """Commands of one request, which run in the nodes of `network`, with a mark of the job."""

    def __init__(self, builder: Builder, network: str, commands: list[Document]) -> None:
        self._transport: Transport = builder.transport
        self._commands = commands
        self._hosts = {at: builder.network[c["node"]].ssh.host for at, c in enumerate(commands)}
        """Addresses of the nodes in which commands haven't ended."""
        self._mark = job_mark(network)
        self._over = False

    def run(self, progress: Progress | None = None) -> list[list[Any]]:
        """Return exit code, output and errors (base64) of each command.

        If `progress` is given, the commands are ended once its client has gone away.
        """
        future = self._transport.begin(self._every())
        with nullcontext() if progress is None else progress.when_gone(lambda: self._end(future)):
            found: list[list[Any]] = self._transport.finish(future)
        return found

    async def _every(self) -> list[list[Any]]:
        return list(await asyncio.gather(*map(self._one, range(len(self._commands)))))

    async def _one(self, at: int) -> list[Any]:
        command, host = self._commands[at], self._hosts[at]
        given = (command.get("input") or "").encode()
        try:
            found = await self._transport.timed(
                host, command["argv"], given, command.get("timeout"), mark=self._mark,
                wanted=lambda: not self._over,
            )  # fmt: skip
        except (TransportError, OSError) as error:
            return [_FAILED, "", encoded(str(error).encode())]
        finally:
            del self._hosts[at]
        return [found.code, encoded(found.out), encoded(found.err)]

    def _end(self, future: Any) -> None:
        """End the commands; repeat, since some may be on their way to a node."""
        self._over = True
        deadline = time.monotonic() + ATTEMPT_SECONDS
        try:
            while not future.done() and time.monotonic() < deadline:
                self._transport.wait(self._end_running())
        except TransportError:  # the network is being removed: its containers end with all commands
            pass
        future.cancel()

    async def _end_running(self) -> None:
        hosts = dict.fromkeys(self._hosts.values())
        await asyncio.gather(*map(self._end_in, hosts))
        await asyncio.sleep(_PAUSE)

    async def _end_in(self, host: str) -> None:
        text = script(end_script(self._mark))
        try:
            await self._transport.running(host, text, b"", _END_SECONDS, spare=True)
        except (TransportError, OSError):  # its command can't be waited for either
            return


def encoded(data: bytes) -> str:
    """Return `data` in base64."""
    return base64.b64encode(data).decode()
