"""Status of a run for live views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stress.runner.observers import Observers
from stress.runner.worker import Worker
from stress.schedule import Schedule


@dataclass
class RunStatus:
    """Status of a run in progress: its phase, workers and observers."""

    schedule: Schedule
    clock: Callable[[], float]
    phase: str = "begin"
    end: float = 0.0
    workers: list[Worker] = field(default_factory=list)
    finished: list[Worker] = field(default_factory=list)
    observers: Observers | None = None
    elsewhere: Callable[[], tuple[int, int]] | None = None
    """Operations that workers have carried out, and those that failed; None where all are done here."""

    def done(self) -> int:
        """Return the number of completed operations."""
        if self.elsewhere is not None:  # one that two workers see is counted on both
            return min(self.elsewhere()[0], len(self.schedule))
        return sum(worker.columns.done for worker in (*self.finished, *self.workers))

    def errors(self) -> int:
        """Return the number of failed operations."""
        if self.elsewhere is not None:
            return self.elsewhere()[1]
        return sum(worker.columns.errors for worker in (*self.finished, *self.workers))


Look = Callable[[RunStatus], None]
