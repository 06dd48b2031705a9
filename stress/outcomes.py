"""Outcomes of operations in columns: 40 bytes each, from the workers to the report.

A run has millions of them. Python objects would take ten times as much at the end of a run, when the
network still runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from stress.operations import Operation, Outcome

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_COLUMNS = ("number", "due", "started", "finished", "what", "target", "kind")
BLOCK = 1 << 16
"""Number of operations to compute with at once: the memory for it stays constant."""


class What(NamedTuple):
    """Step, action and verb of an operation."""

    step: str
    action: str
    verb: str


@dataclass(frozen=True, eq=False)
class Outcomes(Sequence[Outcome]):
    """n outcomes, in the order of their numbers. Times are seconds since the run began.

    number int64[n], due, started, finished float64[n]; what int16[n], target int32[n] and kind uint16[n] are
    positions in `whats`, `targets` and `kinds`. A kind is (error, skipped) as text; the first is ("", "").
    """

    number: Ints
    due: Floats
    started: Floats
    finished: Floats
    what: npt.NDArray[np.int16]
    target: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint16]
    whats: Sequence[What] = ()
    targets: Sequence[tuple[str, ...]] = ()
    kinds: Sequence[tuple[str, str]] = (("", ""),)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcomes:
        """Return the columns of `outcomes`, in that order."""
        whats: dict[What, int] = {}
        targets: dict[tuple[str, ...], int] = {}
        kinds: dict[tuple[str, str], int] = {("", ""): 0}
        rows = []
        for one in outcomes:
            operation = one.operation
            what = What(operation.step, operation.action, operation.verb)
            rows.append((
                operation.number, operation.at, one.started, one.finished,
                whats.setdefault(what, len(whats)), targets.setdefault(operation.targets, len(targets)),
                kinds.setdefault((one.error, one.skipped), len(kinds)),
            ))  # fmt: skip
        columns = list(zip(*rows, strict=True)) or [()] * 7
        types = (np.int64, np.float64, np.float64, np.float64, np.int16, np.int32, np.uint16)
        made: list[Any] = [np.array(column, dtype=kind) for column, kind in zip(columns, types, strict=True)]
        number, due, started, finished, what, target, kind = made
        return cls(
            number, due, started, finished, what, target, kind, list(whats), list(targets), list(kinds)
        )

    def __len__(self) -> int:
        return len(self.number)

    @overload
    def __getitem__(self, at: int) -> Outcome: ...
    @overload
    def __getitem__(self, at: slice) -> Outcomes: ...
    def __getitem__(self, at: int | slice) -> Outcome | Outcomes:
        """Return one outcome as an object, or a selection."""
        columns: list[npt.NDArray[Any]] = [getattr(self, name) for name in _COLUMNS]
        if isinstance(at, slice):
            some: list[Any] = [column[at] for column in columns]
            return replace(self, **dict(zip(_COLUMNS, some, strict=True)))
        number, due, started, finished, what, target, kind = (column[at].item() for column in columns)
        step, action, verb = self.whats[what]
        operation = Operation(number, due, step, action, verb, self.targets[target])
        return Outcome(operation, started, finished, *self.kinds[kind])

    def __iter__(self) -> Iterator[Outcome]:
        return map(self.__getitem__, range(len(self)))

    @property
    def failed(self) -> Bools:
        """Mask of the operations that failed: bool[n]."""
        return np.array([bool(error) for error, _ in self.kinds])[self.kind]

    @property
    def skipped(self) -> Bools:
        """Mask of the operations that had nothing to do: bool[n]."""
        return np.array([bool(skipped) for _, skipped in self.kinds])[self.kind]

    @property
    def used(self) -> list[int]:
        """Positions in `whats` of the operations carried out."""
        return np.flatnonzero(np.bincount(self.what, minlength=len(self.whats))).tolist()

    def among(self, whats: Iterable[int]) -> Bools:
        """Return the mask of the operations with one of `whats` (positions): bool[n]."""
        chosen = np.zeros(len(self.whats), dtype=bool)
        chosen[list(whats)] = True
        return chosen[self.what]

    def of_step(self, step: str) -> Bools:
        """Return the mask of the operations of `step`: bool[n]."""
        return self.among(k for k, what in enumerate(self.whats) if what.step == step)

    def errors(self, some: Bools) -> dict[str, int]:
        """Return the errors of `some` with their counts, the most frequent first."""
        return self._counts(some, 0)

    def reasons(self, some: Bools) -> dict[str, int]:
        """Return the reasons why `some` were skipped with their counts, the most frequent first."""
        return self._counts(some, 1)

    def _counts(self, some: Bools, which: int) -> dict[str, int]:
        counts = np.bincount(self.kind[some], minlength=len(self.kinds)).tolist()
        found: dict[str, int] = {}
        for kind, count in zip(self.kinds, counts, strict=True):
            if kind[which] and count:
                found[kind[which]] = found.get(kind[which], 0) + count
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def latencies(self, some: Bools) -> Iterator[Floats]:
        """Yield the seconds from when `some` were due until they were done, in blocks."""
        return self._seconds(self.finished, some)

    def lateness(self, some: Bools) -> Iterator[Floats]:
        """Yield the seconds from when `some` were due until they were begun, in blocks."""
        return self._seconds(self.started, some)

    def _seconds(self, until: Floats, some: Bools) -> Iterator[Floats]:
        for begin in range(0, len(self), BLOCK):
            part = slice(begin, begin + BLOCK)
            yield (until[part] - self.due[part])[some[part]]
