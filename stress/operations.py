"""A single operation of a run and its outcome as objects.

Times are seconds since the run began, on the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """Operation of a run at one moment.

    `step` is the name of the scenario's step, `action` that of its action, `verb` one of the action's verbs
    ("down", "up", "remove", "add", …), `targets` the names of the targets.
    """

    number: int
    at: float
    step: str
    action: str
    verb: str
    targets: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """Outcome of an operation. `error` is empty when it was carried out.

    `error` is a kind ("bring down: No such device"), the same for equal failures. `skipped` says why an
    operation had nothing to do, such as bringing up a port of a removed node: it is neither an error nor
    counted in latencies.
    """

    operation: Operation
    started: float
    finished: float
    error: str = ""
    skipped: str = ""

    @property
    def latency(self) -> float:
        """Seconds from when it was due until it was done: lateness is part of it, nothing is omitted."""
        return self.finished - self.operation.at

    @property
    def lateness(self) -> float:
        """Seconds from when it was due until it began."""
        return self.started - self.operation.at
