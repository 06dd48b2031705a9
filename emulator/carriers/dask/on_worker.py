"""Functions that run on workers, in the event loop of their process: carry out a call, cancel it, take data.

Each has the worker as `dask_worker`. They answer with JSON and bytes: nothing that a client would unpickle
into an object of ours. A client that is gone doesn't close anything here, so it says from time to time that
it is there (`renew`); without that, its calls are cancelled.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from emulator.carriers.dask.chunks import CHUNK, TRANSFERS
from emulator.carriers.entry import function_at
from emulator.carriers.frames import plain_bytes
from emulator.carriers.own_process import OwnProcess
from emulator.carriers.plain_errors import plain_error
from emulator.carriers.protocol import Answer, Call
from emulator.errors import EmulationError
from emulator.tasks import Plain

TOPIC = "emulator-progress"
LEASE_SECONDS = 20.0
"""Time after which a client that says nothing counts as gone."""

_PACE = 0.05
"""Seconds between two lines of progress of one call; the newest is never held back longer."""

Reply = tuple[bytes, bytes, int]
"""An answer or error as JSON; its data, or the number of chunks that the client fetches."""


@dataclass
class _Running:
    """A call that runs here: the `RunningCall` of its function, if that runs in this process."""

    key: str
    worker: str
    publish: Callable[[Plain], None]
    renewed: float = field(default_factory=time.monotonic)
    is_cancelled: bool = False
    process: OwnProcess | None = None

    def tell(self, progress: Plain) -> None:
        self.publish(progress)

    def cancel(self) -> None:
        self.is_cancelled = True
        if self.process is not None:
            self.process.cancel()


_RUNNING: dict[str, _Running] = {}


async def carry(key: str, head: bytes, data: bytes, dask_worker: Any) -> Reply:
    """Carry out the call `key`: `head` is the JSON of the call, its client, and the chunks sent before it."""
    request = json.loads(head)
    call = Call(**request["call"], data=TRANSFERS.take(key, n) if (n := request["chunks"]) else data)
    pace = _Pace(asyncio.get_running_loop(), lambda last: _log(dask_worker, request["client"], key, last))
    running = _RUNNING[key] = _Running(key, call.worker, pace.tell)
    watch = asyncio.create_task(_cancel_unless_renewed(running))
    try:
        answer = await asyncio.wrap_future(_in_thread(lambda: _result(running, call)))
        head = plain_bytes({"ok": answer.value})
    except EmulationError as error:
        return plain_bytes({"error": plain_error(error)}), b"", 0
    finally:
        watch.cancel()
        pace.flush()
        del _RUNNING[key]
    if len(answer.data) <= CHUNK:
        return head, answer.data, 0
    return head, b"", TRANSFERS.offer(key, answer.data)


async def renew(keys: list[str]) -> list[str]:
    """Note that the client of these calls is there; return those that are still running."""
    for key in keys:
        if key in _RUNNING:
            _RUNNING[key].renewed = time.monotonic()
    return [key for key in keys if key in _RUNNING]


async def cancel(keys: list[str]) -> None:
    """Cancel those of the calls that run here, and forget their data."""
    for key in keys:
        TRANSFERS.drop(key)
        if key in _RUNNING:
            _RUNNING[key].cancel()


async def put(key: str, number: int, chunk: bytes) -> None:
    """Take a chunk of the data of a later call."""
    TRANSFERS.put(key, number, chunk)


async def get(key: str, number: int) -> bytes:
    """Return a chunk of an answer, which is then forgotten."""
    return TRANSFERS.get(key, number)


def _result(running: _Running, call: Call) -> Answer:
    """Run the function; errors that aren't ours become one."""
    try:
        if call.own_process:
            running.process = OwnProcess(call, running.publish)
            if running.is_cancelled:
                running.process.cancel()
            return running.process.run()
        return function_at(call.entry)(running, call.arguments, call.data)
    except EmulationError:
        raise
    except Exception as error:
        raise _bug(error) from error


def _bug(error: Exception) -> EmulationError:
    from emulator.carriers.plain_errors import error_of

    return error_of(plain_error(error))


def _in_thread(work: Callable[[], Answer]) -> Future[Answer]:
    """Run `work` in a thread that doesn't keep this process from ending."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 -- it is raised again by who waits
            future.set_exception(error)
        else:
            future.set_result(answer)

    threading.Thread(target=run, name="emulator-call", daemon=True).start()
    return future


async def _cancel_unless_renewed(running: _Running) -> None:
    while time.monotonic() - running.renewed < LEASE_SECONDS:  # noqa: ASYNC110 -- a deadline that moves
        await asyncio.sleep(LEASE_SECONDS / 4)
    running.cancel()


def _log(worker: Any, client: str, key: str, progress: Plain) -> None:
    worker.log_event(TOPIC, {"client": client, "key": key, "progress": plain_bytes(progress).decode()})


class _Pace:
    """Passes on what a thread tells, at most once in `_PACE` seconds: the newest, nothing older."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[Plain], None]) -> None:
        self._loop = loop
        self._send = send
        self._guard = threading.Lock()
        self._waiting: list[Plain] = []
        self._last = 0.0

    def tell(self, progress: Plain) -> None:
        with self._guard:
            is_first = not self._waiting
            self._waiting = [progress]
        if is_first:
            self._loop.call_soon_threadsafe(self._later)

    def _later(self) -> None:
        self._loop.call_later(max(0.0, self._last + _PACE - time.monotonic()), self.flush)

    def flush(self) -> None:
        with self._guard:
            waiting, self._waiting = self._waiting, []
        for progress in waiting:
            self._last = time.monotonic()
            self._send(progress)
