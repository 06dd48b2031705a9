"""Which event made which probes wrong, and how long until they were right again.

A loss window begins with a question that was lost, and the question before it was answered: what broke
the way happened in between (or while the question was on its way). Of the disturbing operations in that
time the one that names an end of the probe is the cause, else the last one; where there is none, an
operation that began while the question or its answer was on its way, by the longest round trip. Commands,
traffic and storms take nothing away: they are the cause only where nothing else is. A window with none is
nobody's: it counts as blackhole time, not as convergence.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stress.actions.registry import ACTIONS, action_named
from stress.histogram import Histogram
from stress.records import LossWindow, Outcome, ProbeRecord, RunRecord

_SLACK = 0.002
"""Seconds that a question may be on its way when the event happens."""
_LOOK_BACK = 64
"""Operations before a window that are looked at: longer ones may have begun before shorter ones."""
_PATIENCE = 3
"""Intervals of a probe that it may take to see that all is right again."""
_PORT = re.compile(r"-eth\d+$")
_ENDS = re.compile(r" (?:--|->) ")


@dataclass
class Event:
    """A disturbing operation and what it did to probes. Times in seconds.

    `convergence` goes from its begin until the last of its `probes` was right again (or until the end
    of the run, if `unfinished`); `recovery` from when it was undone, if it was; `blackhole` is the sum
    over its probes of the time in which they were wrong.
    """

    outcome: Outcome
    probes: int = 0
    convergence: float = 0.0
    recovery: float | None = None
    blackhole: float = 0.0
    unfinished: bool = False


@dataclass
class Convergence:
    """All events that made a probe wrong, in the order of time."""

    events: list[Event] = field(default_factory=list)
    undisturbing: int = 0
    """Disturbing operations that no probe noticed."""
    unexplained: int = 0
    """Windows that no operation explains."""

    def histogram(self, step: str | None = None, *, own: bool = False) -> Histogram:
        """Return the convergence times of the events of one step or action (`own`: step), or of all."""
        return Histogram(event.convergence for event in self._of(step, own=own))

    def recoveries(self, step: str | None = None, *, own: bool = False) -> Histogram:
        """Return the recovery times."""
        return Histogram(event.recovery for event in self._of(step, own=own) if event.recovery is not None)

    def unfinished(self, step: str | None = None) -> int:
        """Return how many events had a probe that was still wrong at the end."""
        return sum(event.unfinished for event in self._of(step))

    def _of(self, step: str | None, *, own: bool = False) -> Iterable[Event]:
        for event in self.events:
            operation = event.outcome.operation
            if step is None or step == operation.step or (step == operation.action and not own):
                yield event


def end_of(record: RunRecord) -> float:
    """Return when the run ended, in seconds since it began."""
    ends = [phase.end for phase in record.phases] + [sample.at for sample in record.samples[-1:]]
    ends += [outcome.finished for outcome in record.outcomes[-1:]]
    return max(ends, default=0.0)


def convergence(record: RunRecord) -> Convergence:
    """Return what the probes of a run say about its events."""
    end = end_of(record)
    causes = _Causes(record.outcomes)
    found: dict[int, Event] = {}
    result = Convergence()
    for probe in record.probes:
        for window in probe.windows:
            index = causes.of(probe, window)
            if index is None:
                result.unexplained += 1
                continue
            event = found.setdefault(index, Event(causes.disturbing[index]))
            _add(event, window, causes.undone(index), end)
    result.events = [found[index] for index in sorted(found)]
    result.undisturbing = len(causes.disturbing) - len(found)
    return result


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
    """The disturbing operations of a run, by time and by the nodes they name."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        done = [outcome for outcome in outcomes if not outcome.error and not outcome.skipped]
        disturbs: dict[str, str] = {}
        for outcome in sorted(outcomes, key=lambda outcome: outcome.operation.at):
            disturbs.setdefault(outcome.operation.step, outcome.operation.verb)
        self.disturbing = sorted(
            (one for one in done if disturbs[one.operation.step] == one.operation.verb),
            key=lambda outcome: outcome.started,
        )
        self._started = [outcome.started for outcome in self.disturbing]
        takes = {action: _takes_away(action) for action in {one.operation.action for one in self.disturbing}}
        self._takes = [takes[outcome.operation.action] for outcome in self.disturbing]
        self._by_node: dict[str, list[int]] = defaultdict(list)
        for index, outcome in enumerate(self.disturbing):
            for node in _nodes(outcome):
                self._by_node[node].append(index)
        self._undo: dict[tuple[str, tuple[str, ...]], list[float]] = defaultdict(list)
        for outcome in sorted(done, key=lambda outcome: outcome.started):
            if disturbs[outcome.operation.step] != outcome.operation.verb:
                self._undo[outcome.operation.step, outcome.operation.targets].append(outcome.started)

    def of(self, probe: ProbeRecord, window: LossWindow) -> int | None:
        """Return the operation that caused a window of `probe`."""
        since = window.start - probe.interval if window.since is None else window.since
        index = self._chosen(probe, window, since, window.start + _SLACK)
        if index is None and probe.histogram is not None and probe.histogram.count:
            index = self._chosen(probe, window, since, window.start + probe.histogram.max)
        return index

    def _chosen(self, probe: ProbeRecord, window: LossWindow, since: float, until: float) -> int | None:
        """Return the last operation of that time that names an end of `probe`, else the last one.

        Before both goes one that wasn't undone long before the window ended; before all, what takes
        something away.
        """
        nodes = (probe.source, probe.target)
        named = [
            index for node in nodes for index in self._between(self._by_node.get(node, []), since, until)
        ]
        others = self._between(range(len(self.disturbing)), since, until)
        if any(self._takes[index] for index in others):
            named, others = ([index for index in group if self._takes[index]] for group in (named, others))
        latest = math.inf if window.end is None else window.end - _PATIENCE * probe.interval
        for group in (named, others):
            lasting = [index for index in group if (self.undone(index) or math.inf) >= latest]
            if lasting:
                return max(lasting)
        return max(named, default=max(others, default=None))

    def undone(self, index: int) -> float | None:
        """Return when an operation was undone: the next other verb of its step on the same targets."""
        outcome = self.disturbing[index]
        moments = self._undo.get((outcome.operation.step, outcome.operation.targets), [])
        at = bisect_right(moments, outcome.started)
        return moments[at] if at < len(moments) else None

    def _between(self, indices: Sequence[int], since: float, until: float) -> list[int]:
        """Return those of `indices` that began until `until` and weren't done before `since`."""
        at = bisect_right(indices, until, key=self._started.__getitem__)
        near = indices[max(0, at - _LOOK_BACK) : at]
        return [index for index in near if self.disturbing[index].finished >= since]


def _takes_away(action: str) -> bool:
    """Return whether an action takes something away."""
    return action not in ACTIONS or action_named(action).DISTURBS


def _nodes(outcome: Outcome) -> set[str]:
    """Return the nodes that an operation's targets name: `h1-eth0` h1, `h1 -- s1` both."""
    ends = [end for target in outcome.operation.targets for end in _ENDS.split(target)]
    return {_PORT.sub("", end) for end in ends}
