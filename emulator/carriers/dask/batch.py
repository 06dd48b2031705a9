"""Calls that one caller waits for: sent at the same time, each answered, lost, late or cancelled."""

from __future__ import annotations

import asyncio
import json
import queue
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from emulator.carriers.certificates import RENEW, day
from emulator.carriers.dask import on_worker
from emulator.carriers.dask.chunks import CHUNK, chunk_count
from emulator.carriers.dask.workers import KnownWorker
from emulator.carriers.frames import MOST_DATA, plain_bytes
from emulator.carriers.plain_errors import error_of
from emulator.carriers.protocol import Answer, Call, Outcome, WorkerProgress
from emulator.errors import BrokenError, EmulationError, LostWorkerError, UnableError
from emulator.version import __version__
from topologies.errors import printable

T = TypeVar("T")

_AHEAD = 4
"""Chunks of one call under way at once: enough to keep both of its two hops busy."""
_AHEAD_OF_ALL = 16
"""Chunks of all calls under way at once: each is in memory several times."""

_RENEW_EVERY = on_worker.LEASE_SECONDS / 4
_SILENT_SECONDS = 90.0
"""Limit of one renewal: workers that are cut off or hang end it earlier, since they count as lost in 60 s."""


class Batch:
    """`run` works in the client's event loop, `wait` in the caller's thread; a queue joins them."""

    def __init__(
        self, client: Any, name: str, calls: Sequence[Call], workers: Mapping[str, KnownWorker]
    ) -> None:
        self.key = uuid.uuid4().hex
        self._client = client
        self._name = name
        self._calls = calls
        self._workers = workers
        self._outcomes: list[Outcome | None] = [None] * len(calls)
        self._is_ended = False
        self._places = asyncio.Semaphore(_AHEAD_OF_ALL)
        self._events: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    @property
    def has_unanswered(self) -> bool:
        """True while calls have no outcome, or one that was given up."""
        return bool(self._unanswered())

    async def run(self) -> None:
        """Carry out all calls; their outcomes go to `wait`."""
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.gather(*(self._one(number) for number in range(len(self._calls))))
        finally:
            renewing.cancel()

    def heard(self, key: str, progress: str) -> None:
        """Take a line of progress of one of the calls."""
        batch, _, number = key.partition("-")
        if batch == self.key:
            self._events.put((int(number), progress))

    def wait(self, seconds: float, progress: WorkerProgress | None) -> list[Outcome]:
        """Return the outcome of each call after at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self._unanswered() and not self._is_ended:
            try:
                number, event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if event is None:
                continue  # `end`
            if isinstance(event, Outcome):
                self._outcomes[number] = event
            elif progress is not None and self._outcomes[number] is None:
                progress(self._calls[number].worker, json.loads(event))
        return [
            outcome or Outcome(call.worker, error=self._late(call, seconds))
            for call, outcome in zip(self._calls, self._outcomes, strict=True)
        ]

    def end(self) -> None:
        """Let `wait` return: nothing will arrive any more."""
        self._is_ended = True
        self._events.put((0, None))

    async def cancel(self) -> None:
        """Tell the workers that nobody waits for the unanswered calls."""
        await self._tell(on_worker.cancel)

    async def _renew(self) -> None:
        """Tell the workers from time to time that somebody waits; give up on a scheduler that hangs."""
        while True:
            await asyncio.sleep(_RENEW_EVERY)
            try:
                await asyncio.wait_for(self._tell(on_worker.renew), _SILENT_SECONDS)
            except TimeoutError:
                break
        words = f"the scheduler is silent for {_SILENT_SECONDS:g} s; does its process hang?"
        for number in self._unanswered():
            worker = self._calls[number].worker
            self._events.put((number, Outcome(worker, error=LostWorkerError(f"worker {worker}: {words}"))))

    async def _tell(self, function: Any) -> None:
        """Call `function` with the keys of the unanswered calls on their workers; errors don't matter."""
        numbers = self._unanswered()
        addresses = {
            self._workers[w].address for n in numbers if (w := self._calls[n].worker) in self._workers
        }
        if addresses:
            keys = [self._key(number) for number in numbers]
            with suppress(Exception):  # a client that closes meanwhile fails with whatever it no longer has
                await self._client.run(function, keys, workers=list(addresses), on_error="ignore")

    def _late(self, call: Call, seconds: float) -> LostWorkerError:
        how = "the connection was closed" if self._is_ended else f"it hasn't answered within {seconds:g} s"
        return LostWorkerError(f"worker {call.worker}: {how}; the call is cancelled there")

    def _unanswered(self) -> list[int]:
        return [number for number, outcome in enumerate(self._outcomes) if outcome is None]

    def _key(self, number: int) -> str:
        return f"{self.key}-{number}"

    async def _one(self, number: int) -> None:
        call = self._calls[number]
        try:
            outcome = Outcome(call.worker, answer=await self._answer(call, self._key(number)))
        except EmulationError as error:
            outcome = Outcome(call.worker, error=error)
        except (OSError, TimeoutError) as error:
            outcome = Outcome(call.worker, error=_lost(call.worker, error))
        except Exception as error:  # noqa: BLE001 -- whatever a library raises here is one worker's outcome
            words = f"worker {call.worker}: {type(error).__name__}: {printable(str(error))}"
            outcome = Outcome(call.worker, error=BrokenError(words))
        self._events.put((number, outcome))

    async def _answer(self, call: Call, key: str) -> Answer:
        address = self._address(call)
        data, chunks = call.data, 0
        if len(data) > MOST_DATA:
            raise BrokenError(f"{len(data):,} bytes are too many for one call; at most {MOST_DATA:,}")
        if len(data) > CHUNK:
            chunks = await self._put(address, key, data)
            data = b""
        head = {"call": _plain_call(call), "client": self._name, "chunks": chunks}
        answer, data, chunks = await self._run(address, on_worker.carry, key, plain_bytes(head), data)
        value = json.loads(answer)
        if "error" in value:
            raise error_of(value["error"])
        if chunks:
            get = partial(self._run, address, on_worker.get, key)
            data = b"".join(await self._limited(get, chunks))
        return Answer(value["ok"], data)

    async def _put(self, address: str, key: str, data: bytes) -> int:
        """Send data to a worker; return the number of its chunks."""
        view, count = memoryview(data), chunk_count(len(data))

        async def put(number: int) -> None:
            chunk = bytes(view[number * CHUNK : (number + 1) * CHUNK])
            await self._run(address, on_worker.put, key, number, chunk)

        await self._limited(put, count)
        return count

    async def _limited(self, work: Callable[[int], Awaitable[T]], count: int) -> list[T]:
        """Await `work` of 0 to `count` - 1, a few at a time; return the results in order."""
        own = asyncio.Semaphore(_AHEAD)

        async def one(number: int) -> T:
            async with own, self._places:
                return await work(number)

        return await asyncio.gather(*(one(number) for number in range(count)))

    def _address(self, call: Call) -> str:
        known = self._workers.get(call.worker)
        if known is None:
            names = ", ".join(self._workers) or "none at all"
            raise LostWorkerError(f"there is no worker {printable(call.worker)} now; there are: {names}")
        if known.state.release != __version__:
            other = f"release {printable(known.state.release)}" if known.state.release else "another release"
            raise UnableError(
                f"worker {call.worker} has {other} of the emulator, this machine {__version__}; "
                f"install the same on both"
            )
        end = known.state.certificate_end
        if end is not None and end <= time.time():
            raise UnableError(f"the certificate of worker {call.worker} expired on {day(end)}; {RENEW}")
        return known.address

    async def _run(self, address: str, function: Any, *arguments: Any) -> Any:
        """Run one of our functions on a worker, once; its errors, and those of the connection, are raised."""
        try:
            found = await self._client.run(function, *arguments, workers=[address], on_error="return")
        except OSError as error:
            raise LostWorkerError(
                f"the connection to the scheduler is lost ({printable(str(error))}); calls that were under "
                f"way may have been carried out"
            ) from error
        result = found[address]
        if isinstance(result, Exception):
            raise result
        return result


def _plain_call(call: Call) -> Mapping[str, Any]:
    """Return a call without its data as plain data."""
    return {
        "worker": call.worker,
        "entry": call.entry,
        "arguments": dict(call.arguments),
        "own_process": call.own_process,
    }


def _lost(worker: str, error: BaseException) -> LostWorkerError:
    words = printable(str(error)) or type(error).__name__
    return LostWorkerError(f"worker {worker} is lost: it ended, or can't be reached ({words})")
