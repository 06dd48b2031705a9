"""An operation of a run, and what became of it, as one object each: for looks at single ones.

Times are seconds since the run began, on the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do at one moment.

    `step` is the scenario's step it belongs to, `action` the action's name, `verb` what is done
    ("down", "up", "remove", "add", …), `targets` the names of what it is done to.
    """

    number: int
    at: float
    step: str
    action: str
    verb: str
    targets: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What became of an operation. `error` is empty when it was carried out.

    `error` is a kind ("bring down: No such device"), the same for all that failed alike. `skipped` says
    why an operation had nothing to do, such as bringing up a port of a node that is removed: that is no
    error, and no latency to count either.
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
        """Seconds from when it was due until it was begun."""
        return self.started - self.operation.at
