"""`DaskCarrier`: the carrier over a Dask scheduler. It reaches workers through the scheduler alone."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from emulator.carriers.addresses import Address, require_protected
from emulator.carriers.certificates import Certificates
from emulator.carriers.dask import on_worker, settings
from emulator.carriers.dask.batch import Batch
from emulator.carriers.dask.tls import require_accepted, security
from emulator.carriers.dask.workers import known_workers
from emulator.carriers.protocol import Call, Outcome, WorkerProgress, WorkerState
from emulator.errors import UnableError

T = TypeVar("T")

_CANCEL_SECONDS = 3.0
"""Time limit for telling workers that a call is cancelled; without it, its lease ends."""


class DaskCarrier:
    """A connection to the workers of a Dask scheduler; `open_carrier` makes one."""

    def __init__(self, client: Any, address: Address, seconds: float) -> None:
        self._client = client
        self._address = address
        self._seconds = seconds
        self._batches: dict[str, Batch] = {}
        self._guard = threading.Lock()
        self._name = uuid.uuid4().hex
        client.subscribe_topic(on_worker.TOPIC, self._heard)

    @property
    def address(self) -> str:
        """Address of the scheduler."""
        return str(self._address)

    def workers(self) -> Mapping[str, WorkerState]:
        """Return the workers by name; UnableError without the scheduler."""
        return {name: worker.state for name, worker in self._known().items()}

    def call(
        self, calls: Sequence[Call], seconds: float, progress: WorkerProgress | None = None
    ) -> list[Outcome]:
        """Carry out `calls`: see `Carrier.call`."""
        batch = Batch(self._client, self._name, calls, self._known() if calls else {})
        with self._guard:
            self._batches[batch.key] = batch
        running = self._start(batch.run())
        try:
            return batch.wait(seconds, progress)
        finally:
            with self._guard:
                del self._batches[batch.key]
            running.cancel()
            self._cancel(batch)

    def close(self) -> None:
        """Cancel what runs and close the connection; no error without a scheduler."""
        with self._guard:
            batches = list(self._batches.values())
        for batch in batches:
            self._cancel(batch)
        self._client.close(timeout=_CANCEL_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known(self) -> Mapping[str, Any]:
        try:
            return self._wait(known_workers(self._client, self._seconds), self._seconds)
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            raise UnableError(
                f"the scheduler {self._address} doesn't answer any more ({error or type(error).__name__}); "
                f"connect again once it runs"
            ) from error

    def _heard(self, event: Any) -> None:
        """Take a line of progress from any worker, for any client."""
        message = event[1]
        if message["client"] == self._name:
            with self._guard:
                batches = list(self._batches.values())
            for batch in batches:
                batch.heard(message["key"], message["progress"])

    def _cancel(self, batch: Batch) -> None:
        """Tell the workers of unanswered calls; those that don't hear it notice that nothing renews them."""
        if batch.has_unanswered:
            try:
                self._wait(batch.cancel(), _CANCEL_SECONDS)
            except (OSError, TimeoutError, RuntimeError, ValueError) as error:
                logging.getLogger(__name__).info("workers don't hear that a call is cancelled: %s", error)

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        future = self._start(work)
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError(f"no answer within {seconds:g} s") from None

    def _start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        loop: asyncio.AbstractEventLoop = self._client.loop.asyncio_loop
        return asyncio.run_coroutine_threadsafe(work, loop)


def connect(
    address: Address, certificates: Certificates | None, *, insecure: bool, seconds: float
) -> DaskCarrier:
    """Connect to a scheduler within `seconds`; UnableError with the reason if that can't be."""
    settings.require_dask()
    require_protected(address, has_certificates=certificates is not None, insecure=insecure)
    if certificates is not None:
        certificates.require_usable()
    require_accepted(address, certificates, seconds)
    settings.apply()
    from distributed import Client

    settings.log_from(logging.CRITICAL)  # what it says, our errors say
    try:
        client = Client(
            str(address), security=security(certificates), timeout=seconds, set_as_default=False,
            heartbeat_interval="5s",
        )  # fmt: skip
    except (OSError, TimeoutError, ValueError) as error:
        raise UnableError(f"the scheduler {address} doesn't take us: {error}") from error
    return DaskCarrier(client, address, seconds)
