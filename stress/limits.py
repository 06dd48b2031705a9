"""Limits on a run's figures, and the verdict on each.

    LIMIT  = FIGURE OPERATOR BOUND          port-flap.latency.p99 <= 20 ms
    BOUND  = NUMBER [UNIT]                  run.memory.growth <= 50 MiB
           | NUMBER % of FIGURE             achieved >= 99 % of offered
    OPERATOR = <= | < | >= | > | == | !=

A limit on a figure that wasn't measured fails, and so does one on a share of nothing, such as of
0 operations. A bare sampled series (`host.memory.used <= 4 GiB`) means its worst value: the highest for <=
and <, the lowest for >= and >. `achieved >= 99 % of offered` compares rates, step by step, and judges the
step that kept its rate worst. If all operations were carried out, but in twice the time, that is 50 %.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stress.available_metrics import AvailableMetrics
from stress.metrics.figure_table import suggestions
from stress.metrics.figure_units import HOST, figure_unit, scope_of
from stress.metrics.figures import Figures
from stress.metrics.format import format_value
from stress.metrics.pace import kept, worst
from stress.records import RunResult
from stress.scenario.load import Document, raise_all
from topologies.errors import ParameterError, shortened
from topologies.quantities import RATE, SHARE, SIZE, TIME
from topologies.suggestions import nearest

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    ">": operator.gt,
}  # fmt: skip
_LIMIT = re.compile(r"\s*(\S.*?)\s*(<=|>=|==|!=|<|>)\s*(.*?)\s*", re.DOTALL)
_BOUND = re.compile(r"([-+]?[0-9]+(?:[._][0-9]+)*(?:[eE][-+]?[0-9]+)?)\s*(.*)")
_OF = re.compile(r"%\s+of\s+(\S+)")

_SIZES = {**SIZE.units, **SIZE.aliases}
_PER_SECOND = {"/s": 1.0, "per second": 1.0, "": 1.0}
_UNITS: dict[str, dict[str, float]] = {
    "seconds": {**TIME.units, **TIME.aliases},
    "share": {**SHARE.units, **SHARE.aliases},
    "bytes": _SIZES,
    "byterate": {**_SIZES, **{f"{unit}/s": factor for unit, factor in _SIZES.items() if unit}},
    "bitrate": {**RATE.units, **RATE.aliases},
    "rate": _PER_SECOND,
    "count": {"": 1.0},
}
_EXAMPLES = {"seconds": "20 ms", "share": "0.1 %", "bytes": "50 MiB", "byterate": "10 MiB/s",
             "bitrate": "100 Mbit", "rate": "1000 /s", "count": "0"}  # fmt: skip

_SAMPLED = ("run.memory.growth", "host.memory.growth", *HOST)
_NAMED = ("port", "light", "vpc", "compute", "process")
_OWN = frozenset(name.split(".", 1)[0] for name in (*suggestions(()), *_SAMPLED, *_NAMED))
"""First words of figures that belong to no step, action or probe."""
_TIMES = re.compile(r"(?:([a-z0-9-]+)\.)?(?:convergence|recovery)\.(?!events|unfinished).+")
_OF_PARTS = frozenset({"achieved", "errors", "skipped", "rate"})


@dataclass(frozen=True)
class Limit:
    """Limit as written. `bound` is in the figure's base unit, or a share of figure `of`."""

    text: str
    figure: str
    operator: str
    bound: float
    unit: str
    of: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Verdict on a limit. `measured` is None when nothing was; `words` explain it."""

    limit: Limit
    held: bool
    measured: float | None
    bound: float | None
    words: str

    def __str__(self) -> str:
        return f"{self.limit.text} ({self.words})"


def parse(text: str, available: AvailableMetrics | None = None) -> Limit:
    """Return the limit in `text`; ValueError with what to write instead.

    With `available` (metrics of a scenario's run) a limit on any other figure is an error.
    """
    found = _LIMIT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"`{shortened(str(text))}` is not a limit; write for example `errors == 0`")
    figure, sign, rest = found.groups()
    unit = _known(figure, available)
    bound = _BOUND.fullmatch(rest)
    if bound is None:
        raise ValueError(
            f"`{shortened(rest)}` is not a bound; write for example `{figure} {sign} {_EXAMPLES[unit]}`"
        )
    number, words = float(bound[1].replace("_", "")), bound[2]
    of = _OF.fullmatch(words)
    if of is not None:
        other = _beside(figure, of[1])
        if _known(other, available) != unit and {unit, _known(other, available)} != {"rate", "count"}:
            raise ValueError(f"`{figure}` is not a share of `{of[1]}`; compare figures of the same unit")
        return Limit(text.strip(), figure, sign, number / 100, unit, other)
    units = _UNITS[unit]
    if words not in units:
        known = ", ".join(f"`{one}`" for one in units if one) or "a bare number"
        raise ValueError(f"`{shortened(words)}` is not a unit of `{figure}`; use one of: {known}")
    return Limit(text.strip(), figure, sign, number * units[words], unit)


def wanted(document: Document) -> list[Limit]:
    """Return a scenario's limits; InputError with all that are invalid or not measured."""
    available = AvailableMetrics.of(document.scenario, document.steps())
    found, errors = [], []
    for index, text in enumerate(document.scenario.limits):
        try:
            found.append(parse(text, available))
        except ValueError as error:
            errors.append(ParameterError(("limits", index), str(error)))
    raise_all(document, errors)
    return found


def judge(result: RunResult, limits: Iterable[Limit], figures: Figures | None = None) -> list[Verdict]:
    """Return the verdict on each of `limits`, in order; `figures` are those of the result, if known."""
    figures = figures or Figures(result)
    return [_judged(figures, limit) for limit in limits]


def _known(figure: str, available: AvailableMetrics | None) -> str:
    """Return the unit of a figure; ValueError with the nearest one for an unknown figure."""
    unit = figure_unit(figure)
    if unit is None:
        names = [figure.split(".", 1)[0]] if available is None else available.names
        known = suggestions(name for name in names if name not in _OWN)
        raise ValueError(f"`{shortened(figure)}` is not measured; {nearest(figure, [*known, *_SAMPLED])}")
    wrong = "" if available is None else available.why_not(figure)
    if wrong:
        raise ValueError(wrong)
    return unit


def _beside(figure: str, other: str) -> str:
    """Return the figure that `of offered` means for a step's figure: that of the same step."""
    prefix, _, last = figure.rpartition(".")
    return f"{prefix}.{other}" if prefix and last in _OF_PARTS and "." not in other else other


def _judged(figures: Figures, limit: Limit) -> Verdict:
    value = figures.get(limit.figure, "min" if limit.operator in {">=", ">"} else "max")
    if value is None:
        return Verdict(limit, held=False, measured=None, bound=None, words=f"{limit.figure} was not measured")
    bound, whom = limit.bound, scope_of(limit.figure)
    found = f"measured {format_value(value, limit.unit)}" + (f", of {whom}" if whom else "")
    if limit.of is not None:
        whole = figures.get(limit.of)
        if whole is None:
            return Verdict(
                limit, held=False, measured=value, bound=None, words=f"{limit.of} was not measured"
            )
        if not whole:
            words = f"{found} of {limit.of}, which is 0: a share of nothing is not measured"
            return Verdict(limit, held=False, measured=value, bound=None, words=words)
        bound *= whole
        found += f" of {format_value(whole, limit.unit)}"
        paces = kept(figures, limit.figure, limit.of)
        if paces:
            share, words = worst(paces, least=limit.operator not in {"<=", "<"})
            value, found = share * whole, found + words
        found += f", {_percent(value / whole, limit)}"
    held = OPERATORS[limit.operator](value, bound)
    times = _TIMES.fullmatch(limit.figure)
    endless = figures.convergence.unfinished(times[1]) if times else 0
    if endless:
        found += f"; {endless} events were never over: at least that"
        held = held and limit.operator not in {"<=", "<"}
    return Verdict(limit, held, value, bound, found)


def _percent(share: float, limit: Limit) -> str:
    """Return a share with enough digits that the text lies on the same side of the bound."""
    holds = OPERATORS[limit.operator]
    for digits in range(2, 9):
        shown_share = round(share, digits + 2)
        if holds(shown_share, limit.bound) == holds(share, limit.bound):
            break
    return f"{share:.{digits}%}"
