"""Latencies of a run in progress, read from the workers' columns while they are filled."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stress.histogram import Histogram
from stress.runner.columns import Columns
from stress.runner.run_status import RunStatus

Floats = npt.NDArray[np.float64]


class RollingLatency:
    """Latencies of the operations completed during the last looks."""

    def __init__(self, looks: int = 10) -> None:
        self._positions: dict[int, int] = {}
        self._last: deque[Histogram] = deque(maxlen=looks)
        self.all = Histogram()
        """Latencies of the whole run so far."""

    def update(self, workers: Sequence[Columns]) -> None:
        """Count the operations completed since the last look."""
        new = Histogram()
        for worker in workers:
            new.add_all(self._of(worker))
        self._last.append(new)
        self.all.merge(new)

    def latest(self) -> Histogram:
        """Return the latencies of all the last looks together."""
        found = Histogram()
        for one in self._last:
            found.merge(one)
        return found

    def _of(self, worker: Columns) -> Floats:
        begin, end = self._positions.get(id(worker), 0), worker.done
        self._positions[id(worker)] = end
        return worker.latencies(begin, end)


def workers_of(status: RunStatus) -> list[Columns]:
    """Return the columns of a run's workers, finished and active ones, whose times are known already."""
    return [worker.columns for worker in (*status.finished, *status.workers) if worker.measures]
