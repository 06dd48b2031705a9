"""Threads of the probes: one for all that don't block, and one for each that does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from stress.probes.asker import Asker
from stress.records import ProbeRecord

_GRACE = 1.0
"""Seconds to wait at the end for answers on their way."""
_NICE = -10
"""Priority of measuring over load; commands would inherit it."""


class ProbeGroup:
    """Running probes `askers`, until stopped; `clock` gives the seconds since the run began.

    `timeout` is the longest that an answer may take, in seconds.
    """

    def __init__(self, askers: Sequence[Asker], timeout: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._cost = 0.0
        self._askers = askers
        self._wait = min(_GRACE, timeout)
        quick = [asker for asker in askers if not asker.blocks]
        blocking = [[asker] for asker in askers if asker.blocks]
        self._threads = [
            threading.Thread(target=self._look_after, args=(some,), name="stress-probes", daemon=True)
            for some in (quick, *blocking) if some
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def wrong(self) -> int:
        """Return the number of pairs without a correct answer to their last settled probe."""
        return sum(track.wrong for asker in self._askers for track in asker.tracks)

    def answered(self) -> int:
        """Return the number of probes answered."""
        return sum(track.record.answered for asker in self._askers for track in asker.tracks)

    @property
    def cost(self) -> float:
        """CPU seconds that probing used, without commands; known after `stop`."""
        return self._cost

    @property
    def failure(self) -> BaseException | None:
        """Error that ended a probe early."""
        return self._failure

    def stop(self) -> list[ProbeRecord]:
        """Send nothing more, wait a moment for the last answers, and return the results.

        Probes that are neither answered nor timed out by then aren't counted. `failure` is the exception
        that ended a probe (UnableError when the engine gives no sockets any more).
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for asker in self._askers:
            asker.close()
        return [track.record for asker in self._askers for track in asker.tracks]

    def _look_after(self, askers: Sequence[Asker]) -> None:
        begin = time.thread_time()
        if not askers[0].blocks:
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            pace = min(asker.pace for asker in askers)
            while not self._stop.wait(pace):
                for asker in askers:
                    asker.step(self._clock())
            end = self._clock() + (self._wait if any(asker.waits for asker in askers) else 0.0)
            while self._clock() < end:
                time.sleep(pace)
                for asker in askers:
                    asker.finish(self._clock())
        except BaseException as error:  # noqa: BLE001 -- `failure` returns it
            self._failure = error
        finally:
            self._cost += time.thread_time() - begin
