"""SSH to workers and containers: one connection each, a time limit for every wait, errors that are found."""

from __future__ import annotations

import asyncio
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncssh
from serving.jobs import marked

from .complaints import Complaints
from .results import Result, TransportError
from .work import Work, WorkEndedError, current_work

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 120.0
"""Time limit for one of Distrinet's commands on a worker or in a container."""
_ATTEMPT_SECONDS = 10.0
_PAUSE = 0.2
_KEEPALIVE = 15
SESSIONS = 8
"""Commands at a time on one connection: sshd's MaxSessions is 10 unless configured."""
TIMED_OUT = 124
_NOT_BEGUN = 128 + signal.SIGTERM
_GRACE = 5.0
_ENDED = "another part has failed, or the network is being removed"


@dataclass
class _Place:
    """One machine or container: its connection, when there is one."""

    lock: asyncio.Lock
    sessions: asyncio.Semaphore
    spare: asyncio.Semaphore
    connection: Any = None


class Transport:
    """All connections. Its methods may be called from any thread but the event loop's."""

    def __init__(self, user: str, key: str | None, jump: str | None) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.names: dict[str, str] = {}
        """Address -> name of the worker or node, for messages."""
        self.starting: set[str] = set()
        """Addresses of containers."""
        self.complaints = Complaints()
        self._user = user
        self._key = key
        self._jump = jump
        self._places: dict[str, _Place] = {}
        self._unfinished: dict[int, str] = {}
        self.stuck: list[str] = []
        """What was interrupted last."""
        self._rest = Work()
        """What belongs to no work of its own."""
        self._works: set[Work] = set()

    def run(
        self, host: str, command: str, *, given: bytes = b"", seconds: float | None = COMMAND_SECONDS
    ) -> Result:
        """Run a shell command on `host`. TransportError when that takes longer than `seconds`."""
        found: Result = self.wait(self.running(host, command, given, seconds))
        return found

    def connect(self, host: str) -> None:
        """Connect to `host`, unless it is connected. TransportError when that isn't possible."""
        self.wait(self._connected(host))

    def wait(self, coroutine: Any) -> Any:
        """Run a coroutine on the event loop; return its result."""
        return self.finish(self.begin(coroutine))

    def begin(self, coroutine: Any) -> Future[Any]:
        """Begin a coroutine on the event loop, for the work of this thread."""
        try:
            return (current_work() or self._rest).begin(coroutine, self.loop)
        except WorkEndedError:
            raise TransportError(_ENDED) from None

    def finish(self, future: Future[Any]) -> Any:
        """Wait for what was begun; return its result."""
        try:
            return future.result()
        except CancelledError:
            raise TransportError(_ENDED) from None
        except BaseException:
            self._note_unfinished()
            future.cancel()
            raise

    @contextmanager
    def together(self) -> Iterator[Work]:
        """Yield a work: its commands end with the first failure in this context, and no others do."""
        work = Work()
        self._works.add(work)
        try:
            yield work
        except BaseException:
            self._note_unfinished()
            work.end()
            raise
        finally:
            self._works.discard(work)

    def end(self) -> None:
        """End all commands, whatever they belong to."""
        self._note_unfinished()
        ended, self._rest = self._rest, Work()
        for work in (ended, *self._works):
            work.end()

    def _note_unfinished(self) -> None:
        self.stuck = [f"waited for {one}" for one in self._unfinished.values()]

    def name(self, host: str) -> str:
        """Return the name of `host` for people."""
        found = self.names.get(host)
        return f"{found} ({host})" if found else host

    async def running(
        self, host: str, command: str, given: bytes, seconds: float | None, shown: str = "", *,
        spare: bool = False,
    ) -> Result:  # fmt: skip
        """Run a shell command on `host`, for callers on the event loop. Messages call it `shown`.

        A `spare` one runs there however many others do.
        """
        mark, words = id(asyncio.current_task()), _short(shown or command)
        self._unfinished[mark] = f"`{words}` on {self.name(host)}"
        try:
            place = self._place(host)
            async with asyncio.timeout(seconds), place.spare if spare else place.sessions:
                return await self._run(host, command, given)
        except TimeoutError:
            raise TransportError(f"{self.name(host)} didn't finish `{words}` in {seconds:g} s") from None
        finally:
            del self._unfinished[mark]

    async def timed(
        self, host: str, words: list[str], given: bytes, seconds: float | None, *, mark: str,
        wanted: Callable[[], bool],
    ) -> Result:  # fmt: skip
        """Run a command with a time limit, by `timeout` on the other side: exit code 124.

        A closed session doesn't end a command, and OpenSSH passes no signals on to those of root: `mark` is
        for ending it. It isn't begun unless it is still `wanted` when its turn comes.
        """
        limited = words if seconds is None else ["timeout", "-k", "1", f"{seconds:g}", *words]
        limit = None if seconds is None else seconds + _GRACE
        try:
            async with asyncio.timeout(limit), self._place(host).sessions:
                if not wanted():
                    return Result(_NOT_BEGUN, b"", b"")
                return await self._run(host, marked(mark, shlex.join(limited)), given)
        except TimeoutError:
            return Result(TIMED_OUT, b"", b"")

    async def _run(self, host: str, command: str, given: bytes) -> Result:
        connection = await self._connected(host)
        try:
            done = await connection.run(command, encoding=None, **_input(given))
        except (asyncssh.Error, OSError) as error:
            raise TransportError(f"{self.name(host)}: {error or type(error).__name__}") from error
        code = done.returncode
        if code is None:
            raise TransportError(f"{self.name(host)}: the connection broke during `{_short(command)}`")
        return Result(_code(code), done.stdout or b"", done.stderr or b"")

    def _place(self, host: str) -> _Place:
        if host not in self._places:
            self._places[host] = _Place(asyncio.Lock(), asyncio.Semaphore(SESSIONS), asyncio.Semaphore(1))
        return self._places[host]

    async def _connected(self, host: str) -> Any:
        place = self._place(host)
        async with place.lock:
            if place.connection is None or place.connection.is_closed():
                place.connection = await self._dial(host)
            return place.connection

    async def _dial(self, host: str) -> Any:
        """Connect; repeat for CONNECT_SECONDS in a container, whose sshd may only be starting."""
        tunnel = None if self._jump in {None, host} else await self._connected(str(self._jump))
        failure = "no answer"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while True:
                    try:
                        return await asyncssh.connect(
                            host, username=self._user, client_keys=[self._key] if self._key else (),
                            known_hosts=None, tunnel=tunnel, connect_timeout=_ATTEMPT_SECONDS,
                            keepalive_interval=_KEEPALIVE,
                        )  # fmt: skip
                    except asyncssh.PermissionDenied as error:
                        raise TransportError(f"{self.name(host)}: {error.reason}") from None
                    except (asyncssh.Error, OSError) as error:
                        failure = str(error) or type(error).__name__
                        if host not in self.starting:
                            raise TransportError(
                                f"{self.name(host)} can't be reached by SSH: {failure}"
                            ) from None
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            words = f"{self.name(host)} can't be reached by SSH within {CONNECT_SECONDS:g} s: {failure}"
            raise TransportError(words) from None

    def forget(self, hosts: list[str]) -> None:
        """Close the connections to `hosts`."""

        async def close() -> None:
            for host in hosts:
                place = self._places.pop(host, None)
                if place is not None and place.connection is not None:
                    place.connection.abort()

        self.wait(close())


def _input(given: bytes) -> dict[str, Any]:
    """Return the arguments that give a command its input: without any, it would wait for the terminal's."""
    return {"input": given} if given else {"stdin": asyncssh.DEVNULL}


def _code(code: int) -> int:
    """Return a shell's exit code: asyncssh gives the negative number of a signal."""
    return code if code >= 0 else 128 - code


def _short(command: str) -> str:
    text = " ".join(command.split())
    return text if len(text) <= 120 else text[:117] + "..."
