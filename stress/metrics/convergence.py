"""Convergence: the events that affected probes, and the time until the probes were answered again.

A loss window begins with a lost probe after an answered one. Its cause happened in between, or while the
probe was on its way. The first of these that exists is the cause:

1. the disturbing operation in that time that names an end of the probe;
2. the last disturbing operation in that time;
3. an operation that began while the probe or its answer was on its way (by the longest round trip).

Commands, traffic and storms remove nothing: they are the cause only where nothing else is. A window without
a cause counts as blackhole time, not as convergence.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from stress.actions.registry import ACTIONS, action_named
from stress.histogram import Histogram
from stress.operations import Outcome
from stress.outcomes import Ints, Outcomes
from stress.records import LossWindow, ProbeRecord, RunResult

_SLACK = 0.002
"""Longest time in seconds that a probe is on its way when the event happens."""
_LOOK_BACK = 64
"""Number of operations to examine before a window: long ones may have begun before short ones."""
_PATIENCE = 3
"""Probe intervals that may pass before a probe shows that the network works again."""
_PORT = re.compile(r"-eth\d+$")
_ENDS = re.compile(r" (?:--|->) ")


@dataclass
class Event:
    """Disturbing operation and its effect on probes. Times in seconds.

    `convergence` lasts from the operation's start until the last of its `probes` was answered again, or
    until the end of the run if `unfinished`. `recovery` begins when the operation was undone, if it was.
    `blackhole` is the sum over its probes of the time without an answer.
    """

    outcome: Outcome
    probes: int = 0
    convergence: float = 0.0
    recovery: float | None = None
    blackhole: float = 0.0
    unfinished: bool = False


@dataclass
class Convergence:
    """Events that affected a probe, in the order of time."""

    events: list[Event] = field(default_factory=list)
    undisturbing: int = 0
    """Number of disturbing operations that affected no probe."""
    unexplained: int = 0
    """Number of loss windows without a cause."""

    def histogram(self, step: str | None = None, *, own: bool = False) -> Histogram:
        """Return the convergence times of the events of one step or action (`own`: step), or of all."""
        return Histogram(event.convergence for event in self._of(step, own=own))

    def recoveries(self, step: str | None = None, *, own: bool = False) -> Histogram:
        """Return the recovery times."""
        return Histogram(event.recovery for event in self._of(step, own=own) if event.recovery is not None)

    def unfinished(self, step: str | None = None) -> int:
        """Return the number of events with a probe that was still unanswered at the end."""
        return sum(event.unfinished for event in self._of(step))

    def _of(self, step: str | None, *, own: bool = False) -> Iterable[Event]:
        for event in self.events:
            operation = event.outcome.operation
            if step is None or step == operation.step or (step == operation.action and not own):
                yield event


def end_of(result: RunResult) -> float:
    """Return the end of the run, in seconds since it began."""
    ends = [phase.end for phase in result.phases] + [sample.at for sample in result.samples[-1:]]
    ends += result.outcomes.finished[-1:].tolist()
    return max(ends, default=0.0)


def convergence(result: RunResult) -> Convergence:
    """Return the convergence of a run by its probes."""
    end = end_of(result)
    causes = _Causes(result.outcomes)
    found: dict[int, Event] = {}
    summary = Convergence()
    for probe in result.probes:
        for window in probe.windows:
            index = causes.of(probe, window)
            if index is None:
                summary.unexplained += 1
                continue
            event = found.get(index)
            if event is None:
                event = found[index] = Event(causes.outcome(index))
            _add(event, window, causes.undone(index), end)
    summary.events = [found[index] for index in sorted(found)]
    summary.undisturbing = len(causes) - len(found)
    return summary


def _add(event: Event, window: LossWindow, undone: float | None, end: float) -> None:
    """Count a window that `event` caused."""
    last = end if window.end is None else window.end
    event.probes += 1
    event.blackhole += last - window.start
    event.unfinished |= window.end is None
    event.convergence = max(event.convergence, last - event.outcome.started)
    if undone is not None and undone < last:
        event.recovery = max(event.recovery or 0.0, last - undone)


class _Causes:
    """Disturbing operations of a run, by time and by the nodes they name."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        done = ~(outcomes.failed | outcomes.skipped)
        disturbs = outcomes.among(_first_verbs(outcomes))
        chosen = np.flatnonzero(done & disturbs)
        self._places = chosen[np.argsort(outcomes.started[chosen], kind="stable")]
        """Positions of disturbing operations among `outcomes`, by start time; `index` counts these."""
        self._started, self._finished = outcomes.started[self._places], outcomes.finished[self._places]
        removing = np.array([_removes(what.action) for what in outcomes.whats], dtype=bool)
        self._removing = removing[outcomes.what[self._places]] if len(removing) else np.zeros(0, dtype=bool)
        self._target = outcomes.target[self._places]
        self._by_target = np.argsort(self._target, kind="stable")
        self._ends = np.cumsum(np.bincount(self._target, minlength=len(outcomes.targets)))
        self._targets: dict[str, list[int]] = defaultdict(list)
        for target, targets in enumerate(outcomes.targets):
            for node in _nodes(targets):
                self._targets[node].append(target)
        self._known: dict[str, Ints] = {}
        steps = {step: number for number, step in enumerate(dict.fromkeys(w.step for w in outcomes.whats))}
        self._step = np.array([steps[what.step] for what in outcomes.whats], dtype=np.int64)
        undoes = np.flatnonzero(done & ~disturbs)
        keys = self._key(undoes)
        order = np.lexsort((outcomes.started[undoes], keys))
        self._undo_keys, self._undo_started = keys[order], outcomes.started[undoes[order]]

    def __len__(self) -> int:
        return len(self._places)

    def outcome(self, index: int) -> Outcome:
        """Return a disturbing operation."""
        return self._outcomes[int(self._places[index])]

    def _key(self, places: Ints) -> Ints:
        """Return the same number for operations of one step on the same targets: int64[k]."""
        outcomes = self._outcomes
        step = self._step[outcomes.what[places]] if len(self._step) else places
        return np.asarray(step * max(len(outcomes.targets), 1) + outcomes.target[places])

    def _of_node(self, node: str) -> Ints:
        """Return the disturbing operations that name `node`, in their order."""
        if node not in self._known:
            parts = [
                self._by_target[(self._ends[target - 1] if target else 0) : self._ends[target]]
                for target in self._targets.get(node, ())
            ]
            self._known[node] = np.sort(np.concatenate(parts)) if parts else self._by_target[:0]
        return self._known[node]

    def of(self, probe: ProbeRecord, window: LossWindow) -> int | None:
        """Return the operation that caused a loss window of `probe`."""
        since = window.start - probe.interval if window.since is None else window.since
        index = self._chosen(probe, window, since, window.start + _SLACK)
        if index is None and probe.histogram is not None and probe.histogram.count:
            index = self._chosen(probe, window, since, window.start + probe.histogram.max)
        return index

    def _chosen(self, probe: ProbeRecord, window: LossWindow, since: float, until: float) -> int | None:
        """Return the last operation of that time that names an end of `probe`, else the last one.

        Operations that weren't undone long before the window ended take precedence, and above all
        operations that remove something.
        """
        nodes = (probe.source, probe.target)
        named = [index for node in nodes for index in self._between(self._of_node(node), since, until)]
        others = self._between(range(len(self)), since, until)
        if any(self._removing[index] for index in others):
            named, others = ([index for index in group if self._removing[index]] for group in (named, others))
        latest = math.inf if window.end is None else window.end - _PATIENCE * probe.interval
        for group in (named, others):
            lasting = [index for index in group if (self.undone(index) or math.inf) >= latest]
            if lasting:
                return max(lasting)
        return max(named, default=max(others, default=None))

    def undone(self, index: int) -> float | None:
        """Return the time an operation was undone: at the next other verb of its step on the same targets."""
        key = self._key(self._places[index : index + 1])[0]
        begin, end = np.searchsorted(self._undo_keys, [key, key + 1]).tolist()
        moments = self._undo_started[begin:end]
        at = int(np.searchsorted(moments, self._started[index], side="right"))
        return float(moments[at]) if at < len(moments) else None

    def _between(self, indices: Ints | range, since: float, until: float) -> list[int]:
        """Return those of `indices` that began by `until` and weren't done before `since`."""
        at = bisect_right(indices, until, key=self._started.__getitem__)
        near = indices[max(0, at - _LOOK_BACK) : at]
        return [int(index) for index in near if self._finished[index] >= since]


def _first_verbs(outcomes: Outcomes) -> list[int]:
    """Return the disturbing verbs as positions in `whats`: for each step the first one due."""
    first: dict[str, tuple[float, int, int]] = {}
    for number in outcomes.used:
        mine = outcomes.what == number
        due = float(np.min(outcomes.due, where=mine, initial=np.inf))
        place = int(np.argmax(mine & (outcomes.due == due)))  # of those due at once the first
        step = outcomes.whats[number].step
        first[step] = min(first.get(step, (np.inf, 0, 0)), (due, place, number))
    return [number for _, _, number in first.values()]


def _removes(action: str) -> bool:
    """Return whether an action removes something."""
    return action not in ACTIONS or action_named(action).DISTURBS


def _nodes(targets: Iterable[str]) -> set[str]:
    """Return the nodes that an operation's targets name: `h1-eth0` h1, `h1 -- s1` both."""
    ends = [end for target in targets for end in _ENDS.split(target)]
    return {_PORT.sub("", end) for end in ends}
