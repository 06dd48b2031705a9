"""Results of a worker's operations: columns of numbers, allocated before the run, so that it doesn't grow."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stress.outcomes import Outcomes, What
from stress.schedule import Schedule

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_KINDS = 1000
"""Largest number of distinct texts: errors should be alike, but nothing enforces it."""
_MORE = "more kinds of errors than are kept"


class Columns:
    """The operations `numbers` of a schedule, by position; the first `done` of them are carried out.

    `due` float64[k]: seconds. A postponed operation is due later than in the schedule, such as one that
    waits for the operation before it.
    """

    def __init__(self, numbers: Ints, due: Floats) -> None:
        self.numbers = numbers
        self.due = array("d", due.tobytes())
        self.started = array("d", bytes(8 * len(numbers)))
        self.finished = array("d", bytes(8 * len(numbers)))
        self.done = 0
        self.errors = 0
        """Number of operations that failed."""
        self.kind = array("H", bytes(2 * len(numbers)))
        self.kinds = [("", "")]
        """(error, skipped) as texts. Every operation has a position in this list, 0 when it succeeded."""
        self._known = {("", ""): 0}

    def failed(self, at: int, words: str) -> None:
        """Note that an operation failed."""
        self.errors += 1
        self.kind[at] = self._number(words, "")

    def skipped(self, at: int, words: str) -> None:
        """Note that an operation had nothing to do."""
        self.kind[at] = self._number("", words)

    def note_times(self, places: Ints, started: float, finished: float) -> None:
        """Note that the operations at these positions were carried out at once."""
        np.frombuffer(self.started)[places] = started
        np.frombuffer(self.finished)[places] = finished

    def _number(self, error: str, skipped: str) -> int:
        kind = (error, skipped)
        if kind not in self._known:
            if len(self.kinds) >= _KINDS:
                kind = (_MORE if error else "", "" if error else _MORE)
            if kind not in self._known:
                self._known[kind] = len(self.kinds)
                self.kinds.append(kind)
        return self._known[kind]

    def latencies(self, begin: int, end: int) -> Floats:
        """Return the latencies of the operations that succeeded: seconds from the due time to the end.

        `begin` and `end` are positions.
        """
        well = np.array(self.kind[begin:end]) == 0
        finished, due = (np.array(column[begin:end]) for column in (self.finished, self.due))
        return np.asarray((finished - due)[well])


def outcomes(schedule: Schedule, workers: Sequence[Columns]) -> Outcomes:
    """Return the outcomes of all completed operations, in the order of the schedule.

    If one worker carried out all of them, its columns are used without a copy.
    """
    kinds: dict[tuple[str, str], int] = {("", ""): 0}
    parts = [_part(columns, kinds) for columns in workers] or [_part(Columns(_NONE, _NONE / 1), kinds)]
    joined = parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]
    number = joined[0]
    if np.any(number[1:] < number[:-1]):
        order = np.argsort(number)
        joined = [column[order] for column in joined]
    number, due, started, finished, kind = joined
    bases = np.cumsum([0, *(len(step.action.VERBS) for step in schedule.steps)])
    whats = [
        What(step.name, step.action.action, verb) for step in schedule.steps for verb in step.action.VERBS
    ]
    what = (bases[schedule.step[number]] + schedule.verb[number]).astype(np.int16)
    target = schedule.target[number]
    targets = [(name,) for name in schedule.names]
    return Outcomes(number, due, started, finished, what, target, kind, whats, targets, list(kinds))


_NONE: Ints = np.zeros(0, dtype=np.int64)


def _part(columns: Columns, kinds: dict[tuple[str, str], int]) -> list[npt.NDArray[Any]]:
    """Return number, due, started, finished and kind of completed operations; `kinds`: of all workers."""
    done = columns.done
    times = (columns.due, columns.started, columns.finished)
    own = np.array([kinds.setdefault(kind, len(kinds)) for kind in columns.kinds], dtype=np.uint16)
    kind = np.frombuffer(columns.kind, dtype=np.uint16)[:done]
    if np.any(own != np.arange(len(own))):
        kind = own[kind]
    return [columns.numbers[:done], *(np.frombuffer(time, dtype=np.float64)[:done] for time in times), kind]
