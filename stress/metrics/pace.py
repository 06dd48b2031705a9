"""Pace: the share of the planned rate that steps achieved, which `achieved >= 99 % of offered` judges.

Each of several steps is judged alone. Together, a slow one would hide behind a fast one or behind a
pause between them.
"""

from __future__ import annotations

from typing import NamedTuple

from stress.metrics.figures import Figures
from stress.metrics.format import format_value

_COMPARED = {("achieved", "offered"), ("rate", "offered_rate")}


class Pace(NamedTuple):
    """Pace of a step: operations achieved and offered, and both per second, where they have a duration."""

    step: str
    achieved: float
    offered: float
    rates: tuple[float, float] | None

    @property
    def share(self) -> float:
        """Share of the offered operations that were achieved in time."""
        counted = self.achieved / self.offered
        return counted if self.rates is None else min(counted, self.rates[0] / self.rates[1])


def kept(figures: Figures, figure: str, of: str) -> list[Pace]:
    """Return the paces of the steps that `figure` counts; none when it can't be compared with `of`."""
    name, _, last = figure.rpartition(".")
    other, _, whole = of.rpartition(".")
    if name != other or (last, whole) not in _COMPARED:
        return []
    found = []
    for step, action in figures.actions.items():
        dot = figures.of_step(step)
        offered = figures.values.get(f"{dot}offered", 0.0)
        if offered and name in {"", step, action}:
            rates = figures.rates.get(dot)
            found.append(Pace(step, figures.values.get(f"{dot}achieved", 0.0), offered, rates))
    return found


def worst(paces: list[Pace], *, least: bool) -> tuple[float, str]:
    """Return the lowest (`least`) or highest share of `paces`, and its explanation."""
    one = (min if least else max)(paces, key=lambda pace: pace.share)
    counted = one.achieved / one.offered
    if round(one.share, 9) == round(counted, 9) and len(paces) == 1:
        return one.share, ""
    if len(paces) == 1:
        return one.share, f" in {_precise(counted / one.share)} times the time" if one.share else ""
    if one.rates is None:
        achieved, offered = (format_value(count, "count") for count in (one.achieved, one.offered))
        return one.share, f"; of `{one.step}` {achieved} of {offered}"
    rate, offered = (format_value(rate, "rate") for rate in one.rates)
    return one.share, f"; `{one.step}` had {rate} of {offered}"


def _precise(times: float) -> str:
    """Return a factor over 1 with enough digits that it isn't shown as 1."""
    return next(text for digits in range(4, 18) if (text := f"{times:.{digits}g}") != "1")
