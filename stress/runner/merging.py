"""The outcomes of a run from those of its parts: one an operation, though several workers saw it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from stress.runner.columns import Columns
from stress.runner.cutting import Cut
from stress.runner.part_data import Done

Ints = npt.NDArray[np.int64]


def merged(numbers: Ints, due: npt.NDArray[np.float64], parts: Iterable[tuple[Cut, Done]]) -> Columns:
    """Return the columns of the operations `numbers`, due in seconds; those carried out come first.

    An operation was carried out if the worker that tells its outcome did it. It ends when the last worker has
    done it, and failed if it failed anywhere.
    """
    parts = list(parts)
    size = int(numbers.max(initial=-1)) + 1
    done = np.zeros(size, dtype=bool)
    started, finished = np.zeros(size), np.zeros(size)
    words: dict[int, tuple[str, str]] = {}
    for cut, found in parts:
        tells = cut.tells[found.place]
        here = cut.numbers[found.place]
        done[here[tells]] = True
        started[here[tells]] = found.started[tells]
        np.maximum.at(finished, here, found.finished)
        _note(words, here, found, tells)
    order = np.concatenate([numbers[done[numbers]], numbers[~done[numbers]]])
    place = np.argsort(numbers, kind="stable")
    out = Columns(order, due[place[np.searchsorted(numbers[place], order)]])
    out.done = int(np.count_nonzero(done[numbers]))
    np.frombuffer(out.started)[:] = started[order]
    np.frombuffer(out.finished)[:] = finished[order]
    for at in range(out.done):
        error, skipped = words.get(int(order[at]), ("", ""))
        if error:
            out.failed(at, error)
        elif skipped:
            out.skipped(at, skipped)
    return out


def _note(words: dict[int, tuple[str, str]], here: Ints, found: Done, tells: npt.NDArray[np.bool_]) -> None:
    """Note the texts of outcomes: an error anywhere counts, a reason to skip only where it tells."""
    for at in np.flatnonzero(found.kind).tolist():
        number, (error, skipped) = int(here[at]), found.kinds[int(found.kind[at])]
        before = words.get(number, ("", ""))
        words[number] = (before[0] or error, (skipped if tells[at] else "") or before[1])
