"""The processes of a cluster, in the foreground: a scheduler, or the worker of one machine.

Neither comes back by itself: a worker whose scheduler is gone ends, and so a supervisor starts both again
(systemd, or that of local workers).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.carriers.addresses import Address, NoAnswerError, bracketed, require_protected
from emulator.carriers.certificates import Certificates
from emulator.carriers.dask import settings
from emulator.carriers.dask.tls import require_accepted, security
from emulator.carriers.dask.workers import FACTS
from emulator.errors import UnableError

_NOWHERE = "127.0.0.1:0"
"""Where Dask's HTTP servers listen, which can't be switched off; they have no routes."""

SCRATCH = ".worker"
"""Folder of Dask's files in a worker's state directory."""

_WAIT_FOR_SCHEDULER = 60.0
_TRY_SECONDS = 10.0


@dataclass(frozen=True)
class Listening:
    """How a process of a cluster listens. `address` is the scheduler's; `host` is None for all addresses."""

    address: Address
    certificates: Certificates | None
    insecure: bool = False
    silence: float = settings.SILENCE_SECONDS

    def prepare(self) -> None:
        """Refuse what isn't protected; set Dask up."""
        settings.require_dask()
        require_protected(
            self.address, has_certificates=self.certificates is not None, insecure=self.insecure
        )
        if self.certificates is not None:
            self.certificates.require_usable()
        settings.apply(self.silence)
        import distributed  # noqa: F401 -- makes its loggers

        settings.log_from(logging.WARNING)


def run_scheduler(listening: Listening, scheduler_file: Path | None = None) -> None:
    """Run a scheduler at its address until a signal ends it; UnableError if it can't listen there."""
    listening.prepare()
    from distributed import Scheduler

    def make() -> Any:
        return Scheduler(
            host=bracketed(listening.address.host), port=listening.address.port,
            protocol=listening.address.scheme, security=security(listening.certificates),
            dashboard=False, dashboard_address=_NOWHERE,
            scheduler_file=str(scheduler_file) if scheduler_file else None,
        )  # fmt: skip

    _run(make, f"the scheduler can't listen at {listening.address}")


def run_worker(listening: Listening, name: str, host: str | None, port: int, folder: Path) -> None:
    """Run the worker `name` of the scheduler until a signal ends it or the scheduler is gone.

    It listens at `host` (None: the address that reaches the scheduler) and `port`. Dask's files are in
    `folder`. UnableError if it can't listen, or reach the scheduler.
    """
    listening.prepare()
    _await_scheduler(listening)
    from distributed import Worker

    from emulator.carriers.dask.worker_facts import facts

    def make() -> Any:
        return Worker(
            str(listening.address), name=name, nthreads=2, host=bracketed(host) if host else None, port=port,
            memory_limit=0, protocol=listening.address.scheme, security=security(listening.certificates),
            dashboard=False, dashboard_address=_NOWHERE, local_directory=str(folder),
            death_timeout=_WAIT_FOR_SCHEDULER, startup_information={FACTS: facts}, metrics={},
        )  # fmt: skip

    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
    try:
        _run(make, f"worker {name} can't listen, or reach the scheduler {listening.address}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_scheduler(listening: Listening) -> None:
    """Wait until the scheduler answers; UnableError at once if one side refuses the other."""
    deadline = time.monotonic() + _WAIT_FOR_SCHEDULER
    while True:
        try:
            return require_accepted(listening.address, listening.certificates, _TRY_SECONDS)
        except NoAnswerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _run(make: Any, failure: str) -> None:
    """Run a server; exit code 1 if it ended by itself."""
    try:
        if not asyncio.run(_until_ended(make)):
            raise UnableError("ended: the scheduler is gone, or has closed the connection")
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        raise UnableError(f"{failure}: {error.__cause__ or error}") from error


async def _until_ended(make: Any) -> bool:
    """Run a server of Dask until it has ended, or SIGTERM or SIGINT ends it; return whether a signal did."""
    server = make()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    starting = asyncio.ensure_future(server)
    stopping = asyncio.create_task(ended.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        finished = asyncio.create_task(server.finished())
        await asyncio.wait({finished, stopping}, return_when=asyncio.FIRST_COMPLETED)
    with suppress(Exception):
        await asyncio.wait_for(server.close(), 5)
    return ended.is_set()
