"""Commands that end together: those of one step, and of no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any


class WorkEndedError(Exception):
    """The work was ended: it begins nothing any more."""


class Work:
    """Coroutines that run on an event loop for one purpose. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ended = False
        self._pending: set[Future[Any]] = set()

    def begin(self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Future[Any]:
        """Run a coroutine on `loop`. WorkEndedError after `end`."""
        with self._guard:
            if self._ended:
                coroutine.close()
                raise WorkEndedError
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def end(self) -> None:
        """Cancel what runs, and begin nothing any more."""
        with self._guard:
            self._ended = True
            pending = list(self._pending)
        for future in pending:
            future.cancel()

    def run(self, job: Callable[[], object]) -> None:
        """Run `job`: what it begins in this thread belongs to this work."""
        token = _CURRENT.set(self)
        try:
            job()
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Work | None] = ContextVar("work", default=None)


def current_work() -> Work | None:
    """Return the work that this thread does; None outside `Work.run`."""
    return _CURRENT.get()
