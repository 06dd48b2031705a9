"""An event loop in a thread of its own, for Dask's client: every wait for it has a limit."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from tornado.ioloop import IOLoop

T = TypeVar("T")

_END_SECONDS = 3.0


class LoopThread:
    """An event loop that runs until `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="emulator-carrier", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine there; RuntimeError after `stop`."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the connection is closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return the result of a coroutine there; TimeoutError, and its end, after `seconds`."""
        future = self.start(work)
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError(f"no answer within {seconds:g} s") from None
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Cancel all that runs there and end the thread; may be called twice."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_end_tasks())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            tornado = IOLoop.current(instance=False)
            if tornado is not None:
                tornado.close(all_fds=True)  # sockets of connections that were in the making
            self._loop.close()


async def _end_tasks() -> None:
    """Wait a little for all other tasks, then cancel them."""
    for patience in (_END_SECONDS / 6, 0.0):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if not tasks:
            return
        if not patience:
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks, timeout=patience or _END_SECONDS / 3)
