"""Figures of a run's operations: in total, by step, by action where its name differs, by verb."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from stress.histogram import Histogram
from stress.outcomes import Bools, Floats
from stress.records import RunResult


class Operations:
    """Counts, rates and histograms by the names of figures; `of_step` is the prefix of one step's."""

    def __init__(self, result: RunResult, actions: Mapping[str, str], of_step: Callable[[str], str]) -> None:
        self._result = result
        self._outcomes = result.outcomes
        self._failed, self._skipped = result.outcomes.failed, result.outcomes.skipped
        self.values: dict[str, float] = {}
        self.rates: dict[str, tuple[float, float]] = {}
        self.histograms: dict[str, Histogram] = {}
        offered: dict[str, int] = defaultdict(int, {"": sum(result.offered.values())})
        groups: dict[str, list[int]] = {}
        for step, action in actions.items():
            for prefix in dict.fromkeys((of_step(step), f"{step}.", f"{action}.")):
                if prefix != ".":
                    offered[prefix] += result.offered.get(step, 0)
                    groups[prefix] = []
        for number in self._outcomes.used:
            what = self._outcomes.whats[number]
            for prefix in dict.fromkeys((of_step(what.step), f"{what.step}.", f"{what.action}.")):
                groups.setdefault(prefix, []).append(number)
                groups.setdefault(f"{prefix}{what.verb.replace(' ', '-')}.", []).append(number)
        groups[""] = self._outcomes.used
        for prefix, whats in groups.items():
            self._group(prefix, whats, offered.get(prefix))

    def _group(self, prefix: str, whats: list[int], offered: int | None) -> None:
        """Count the operations that are one of `whats`."""
        outcomes, some = self._outcomes, self._outcomes.among(whats)
        begun = int(np.count_nonzero(some))
        errors = int(np.count_nonzero(some & self._failed))
        timed = some & ~(self._failed | self._skipped)
        done = begun - errors
        self.values |= {f"{prefix}achieved": done, f"{prefix}skipped": done - int(np.count_nonzero(timed))}
        if begun:  # without an operation nothing could fail
            self.values[f"{prefix}errors"] = errors
        if offered is not None:
            self.values[f"{prefix}offered"] = offered
            planned, needed = self._spans(prefix, {outcomes.whats[number].step for number in whats}, some)
            if planned > 0:
                found = self.rates[prefix] = (done / needed, offered / planned)
                self.values |= {f"{prefix}rate": found[0], f"{prefix}offered_rate": found[1]}
        self.histograms[f"{prefix}latency"] = histogram(outcomes.latencies(timed))
        self.histograms[f"{prefix}lateness"] = histogram(outcomes.lateness(some))

    def _spans(self, prefix: str, steps: set[str], some: Bools) -> tuple[float, float]:
        """Return the planned duration of a group's steps, and the duration until their last operation began.

        An overloaded machine still carries out all operations, but later. The second duration shows that.
        The duration of the last operation is latency, not rate. There is no tolerance: a time that is
        negligible in an hour is a tenth of a second's work.
        """
        spans = [(phase.start, phase.end) for phase in self._result.phases
                 if phase.name in steps or (not steps and prefix.strip(":.") == phase.name)]  # fmt: skip
        due = self._outcomes.due
        last_due = float(np.max(due, where=some, initial=0.0))
        if not spans and steps:
            spans = [(float(np.min(due, where=some, initial=np.inf)), last_due)]
        if not spans:
            return 0.0, 0.0
        begin, end = min(start for start, _ in spans), max(last_due, *(end for _, end in spans), 0.0)
        last = float(np.max(self._outcomes.started, where=some, initial=-np.inf)) if steps else end
        return end - begin, max(last, end) - begin


def histogram(blocks: Iterable[Floats]) -> Histogram:
    """Return the histogram of many durations."""
    found = Histogram()
    for block in blocks:
        found.add_all(block)
    return found


def actions(result: RunResult) -> dict[str, str]:
    """Return step -> its action, "" where that is unknown."""
    found = dict.fromkeys(result.offered, "")
    for step in result.scenario.get("steps", ()):
        if isinstance(step, dict) and "name" in step:
            found[str(step["name"])] = str(step.get("action", ""))
    for number in result.outcomes.used:
        what = result.outcomes.whats[number]
        found[what.step] = what.action
    return found
