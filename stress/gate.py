"""The gate of `stress compare --fail-over`: figures of a run that are worse than those of another one.

Only figures of the network count: those of steps, probes, convergence, recovery and flows. Sampled metrics of
the machine are shown and not judged, since other programs move them.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.errors import UsageError
from stress.compare import Row
from topologies.quantities import SHARE

_MORE_IS_BETTER = ("achieved", "rate")
"""Last parts of figures that should be large; all others should be small."""
_OF_THE_MACHINE = ("host.", "run.")
_SAMPLED = ".mean"
"""Ending of the means of sampled metrics."""


def share_of(text: str) -> float:
    """Return the share that `--fail-over` gives: 0.1 for `10 %`; UsageError for no share, or over 100 %."""
    try:
        return SHARE.parse(text)
    except ValueError as error:
        raise UsageError(f"--fail-over: {error}") from error


def worse_than(rows: Iterable[Row], share: float) -> list[Row]:
    """Return the figures that became worse by more than `share` of their value in A.

    A figure whose noise is known has to differ by more than that, too. What was zero in A is worse by any
    increase.
    """
    judged = (row for row in rows if _counts(row) and row.moved is not False)
    return [row for row in judged if _loss(row) > share * abs(row.a)]


def incomparable(cautions: Iterable[str]) -> list[str]:
    """Return the cautions that let no gate pass: B lacks what A measured."""
    return [words for words in cautions if words.startswith(("the scenarios differ", "B ended early"))]


def _counts(row: Row) -> bool:
    return not row.figure.startswith(_OF_THE_MACHINE) and not row.figure.endswith(_SAMPLED)


def _loss(row: Row) -> float:
    """Return by how much B is worse than A; negative where it is better."""
    better = row.figure.rpartition(".")[2] in _MORE_IS_BETTER
    return row.a - row.b if better else row.b - row.a
