"""What a live view may look at while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stress.runner.observers import Observers
from stress.runner.worker import Worker
from stress.schedule import Schedule


@dataclass
class Watch:
    """What a live view may look at while the run goes on."""

    schedule: Schedule
    clock: Callable[[], float]
    phase: str = "begin"
    end: float = 0.0
    workers: list[Worker] = field(default_factory=list)
    finished: list[Worker] = field(default_factory=list)
    observers: Observers | None = None

    def done(self) -> int:
        """Return how many operations are done."""
        return sum(worker.columns.done for worker in (*self.finished, *self.workers))

    def errors(self) -> int:
        """Return how many of them failed."""
        return sum(worker.columns.errors for worker in (*self.finished, *self.workers))


Look = Callable[[Watch], None]
