"""What became of a worker's operations: columns of numbers, made before the run, so that it doesn't grow."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stress.arrivals import MICRO
from stress.records import Outcome
from stress.schedule import Schedule

Ints = npt.NDArray[np.int64]

_KINDS = 1000
"""Different words that are kept; errors should be alike, but nothing makes them so."""
_MORE = "more kinds of errors than are kept"


class Columns:
    """The operations `numbers` of a schedule, by position; the first `done` of them are carried out."""

    def __init__(self, numbers: Ints) -> None:
        self.numbers = numbers
        self.started = array("d", bytes(8 * len(numbers)))
        self.finished = array("d", bytes(8 * len(numbers)))
        self.done = 0
        self.errors = 0
        """How many failed."""
        self._kind = array("H", bytes(2 * len(numbers)))
        self._kinds = [("", "")]
        """(error, skipped) in words; every operation has the number of its kind, 0 when all went well."""
        self._known = {("", ""): 0}

    def failed(self, at: int, words: str) -> None:
        """Note that an operation failed."""
        self.errors += 1
        self._kind[at] = self._number(words, "")

    def skipped(self, at: int, words: str) -> None:
        """Note that an operation had nothing to do."""
        self._kind[at] = self._number("", words)

    def _number(self, error: str, skipped: str) -> int:
        kind = (error, skipped)
        if kind not in self._known:
            if len(self._kinds) >= _KINDS:
                kind = (_MORE if error else "", "" if error else _MORE)
            if kind not in self._known:
                self._known[kind] = len(self._kinds)
                self._kinds.append(kind)
        return self._known[kind]

    def latencies(self, due: Ints, begin: int, end: int) -> npt.NDArray[np.float64]:
        """Return the seconds from when operations were due until they were done, of those that were.

        `due` int64[operations of the schedule] in microseconds; `begin` and `end` are positions.
        """
        well = np.array(self._kind[begin:end]) == 0
        finished = np.array(self.finished[begin:end])
        return np.asarray((finished - due[self.numbers[begin:end]] / MICRO)[well])

    def outcomes(self, schedule: Schedule) -> Iterator[Outcome]:
        """Yield what became of each that was carried out."""
        for k, number in enumerate(self.numbers[: self.done].tolist()):
            error, skipped = self._kinds[self._kind[k]]
            yield Outcome(schedule.operation(number), self.started[k], self.finished[k], error, skipped)
