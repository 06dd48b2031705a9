"""Latencies of a run that still goes on, read from the workers' columns while they are filled."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stress.arrivals import MICRO
from stress.histogram import Histogram

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Columns(Protocol):
    """What is read of a worker: the first `done` of its operations are finished, at those seconds."""

    @property
    def numbers(self) -> Ints:
        """The operations, as numbers of the schedule."""
        ...

    @property
    def finished(self) -> Sequence[float]:
        """When each was finished."""
        ...

    @property
    def done(self) -> int:
        """How many are done."""
        ...

    @property
    def errors(self) -> dict[int, str]:
        """Those that failed, by position."""
        ...

    @property
    def skipped(self) -> dict[int, str]:
        """Those that had nothing to do, by position."""
        ...


class Recent:
    """Counts the operations that were done since it was last asked."""

    def __init__(self, looks: int = 10) -> None:
        self._positions: dict[int, int] = {}
        self._last: deque[Histogram] = deque(maxlen=looks)
        self.all = Histogram()
        """Of the whole run so far."""

    def update(self, workers: Sequence[Columns], due: Ints) -> None:
        """Count what is new. `due` int64[k] are the microseconds at which the schedule begins operations."""
        new = Histogram()
        for worker in workers:
            new.add_all(self._of(worker, due))
        self._last.append(new)
        self.all.merge(new)

    def latest(self) -> Histogram:
        """Return the latencies of the last looks together."""
        found = Histogram()
        for one in self._last:
            found.merge(one)
        return found

    def _of(self, worker: Columns, due: Ints) -> Floats:
        begin, end = self._positions.get(id(worker), 0), worker.done
        self._positions[id(worker)] = end
        if end <= begin:
            return np.empty(0)
        finished = np.array(worker.finished[begin:end])
        found: Floats = finished - due[worker.numbers[begin:end]] / MICRO
        left_out = [at for at in (*worker.errors.copy(), *worker.skipped.copy()) if begin <= at < end]
        return np.delete(found, [at - begin for at in left_out]) if left_out else found


def workers_of(watch: Any) -> list[Columns]:
    """Return the workers of a run, those that are done and those that work."""
    return [*getattr(watch, "finished", ()), *getattr(watch, "workers", ())]
