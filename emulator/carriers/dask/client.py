"""`DaskCarrier`: the carrier over a Dask scheduler. It reaches workers through the scheduler alone."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from emulator.carriers.addresses import Address, require_protected
from emulator.carriers.certificates import Certificates
from emulator.carriers.dask import on_worker, settings
from emulator.carriers.dask.batch import Batch
from emulator.carriers.dask.loop import LoopThread
from emulator.carriers.dask.tls import require_accepted, security
from emulator.carriers.dask.workers import KnownWorker, known_workers
from emulator.carriers.protocol import Call, Outcome, WorkerProgress, WorkerState
from emulator.closing import Closing
from emulator.errors import UnableError

_CANCEL_SECONDS = 3.0
"""Time limit for telling workers that a call is cancelled; without it, its lease ends."""

_FAILURES = (OSError, TimeoutError, RuntimeError, ValueError)
"""What Dask raises when a scheduler is gone."""


class DaskCarrier(Closing):
    """A connection to the workers of a Dask scheduler; `connect` makes one."""

    def __init__(self, client: Any, loop: LoopThread, address: Address, seconds: float) -> None:
        self._client = client
        self._loop = loop
        self._address = address
        self._seconds = seconds
        self._batches: dict[str, Batch] = {}
        self._guard = threading.Lock()
        self._name = uuid.uuid4().hex
        loop.wait(self._subscribe(), seconds)

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
        running = self._loop.start(batch.run())
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
        with suppress(*_FAILURES):
            self._loop.wait(_closed(self._client), _CANCEL_SECONDS)
        self._loop.stop()

    def _known(self) -> Mapping[str, KnownWorker]:
        try:
            return self._loop.wait(known_workers(self._client, self._seconds), self._seconds)
        except _FAILURES as error:
            raise UnableError(
                f"the scheduler {self._address} doesn't answer any more ({error or type(error).__name__}); "
                f"connect again once it runs"
            ) from error

    async def _subscribe(self) -> None:
        self._client.subscribe_topic(on_worker.TOPIC, self._heard)

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
            with suppress(*_FAILURES):
                self._loop.wait(batch.cancel(), _CANCEL_SECONDS)
        batch.end()


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
    import distributed  # noqa: F401 -- makes its loggers

    settings.log_from(logging.CRITICAL)  # what they say, our errors say
    loop = LoopThread()
    try:
        client = loop.wait(_connected(address, certificates, seconds), seconds + _CANCEL_SECONDS)
        return DaskCarrier(client, loop, address, seconds)
    except _FAILURES as error:
        loop.stop()
        raise UnableError(f"the scheduler {address} doesn't take us: {error}") from error
    except BaseException:
        loop.stop()
        raise


async def _connected(address: Address, certificates: Certificates | None, seconds: float) -> Any:
    """Return a client that is connected; no half of one is left otherwise."""
    from distributed import Client

    client = Client(
        str(address), security=security(certificates), timeout=seconds, set_as_default=False,
        heartbeat_interval="5s", asynchronous=True,
    )  # fmt: skip
    try:
        return await client
    except BaseException:
        await _closed(client)
        raise


async def _closed(client: Any) -> None:
    """Close a client, whatever state it is in; it must not try again when it is collected."""
    try:
        with suppress(Exception):
            await asyncio.wait_for(client._close(fast=True), _CANCEL_SECONDS / 2)  # noqa: SLF001 -- `close` has no `fast`
    finally:
        client.status = "closed"
