"""Validity of a run: warnings where the runner, its machine or its probes make the figures unreliable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import psutil

from stress.outcomes import Bools, Outcomes
from stress.records import RunResult

LATE = 0.010
"""Seconds after which an operation that begins is late."""
_MOST_LATE = 0.01
_LEAST_IDLE = 0.05
_MOST_STOLEN = 0.02
_MOST_SKIPPED = 0.05
_LONGEST_GAP = 2.5
"""Longest gap between two samples, in intervals of the sampler."""
_LONGEST_WAIT = 1.0
"""Longest normal wait, in seconds: a run holds the kernel's lock for milliseconds, a removed bridge a bit
longer."""


class Spent(NamedTuple):
    """Shares of all CPU time, 0 to 1: idle, and stolen by the hypervisor."""

    idle: float
    stolen: float


class Processor:
    """Use of the machine's CPUs since this object was created."""

    def __init__(self) -> None:
        self._begin = psutil.cpu_times()

    def spent(self) -> Spent:
        """Return the shares of CPU time since then."""
        now = psutil.cpu_times()
        grown = {mode: getattr(now, mode) - getattr(self._begin, mode) for mode in now._fields}
        whole = sum(value for mode, value in grown.items() if not mode.startswith("guest"))  # within user
        if whole <= 0:
            return Spent(1.0, 0.0)
        return Spent((grown["idle"] + grown.get("iowait", 0.0)) / whole, grown.get("steal", 0.0) / whole)


def validity_warnings(result: RunResult, offered: int, spent: Callable[[], Spent]) -> list[str]:
    """Return why the figures of a run are unreliable; `offered` is the number of planned operations."""
    ended_early = bool(result.interrupted or result.aborted)
    return [
        *_of_operations(result, 0 if ended_early else offered),
        *_of_processor(spent()),
        *_of_probes(result),
        *_of_samples(result),
        *_of_kernel(result),
        *_of_flows(result),
    ]


def _of_operations(result: RunResult, offered: int) -> Iterator[str]:
    """Yield warnings about operations; all shares are of those that were offered."""
    outcomes = result.outcomes
    steps = {what.step: what.action for what in map(outcomes.whats.__getitem__, outcomes.used)}
    for step in steps:
        mine = outcomes.of_step(step)
        found = _lateness(outcomes, mine)
        of_step = result.offered.get(step, found.begun)
        if found.behind > _MOST_LATE * of_step:
            yield (
                f"{_share(found.late, of_step, step)} began more than {LATE * 1e3:.0f} ms late, "
                f"{found.worst:.3g} s at worst, which is part of their latencies: this machine or the "
                "network doesn't keep up with the rate, or something else keeps it busy"
            )
    for step, action in steps.items():
        mine = outcomes.of_step(step)
        of_step, why = result.offered.get(step, int(np.count_nonzero(mine))), outcomes.reasons(mine)
        count = sum(why.values())
        if action != "ramp" and count > _MOST_SKIPPED * of_step:  # a ramp ends when a limit breaks
            yield (
                f"{_share(count, of_step, step)} had nothing to do "
                f"(mostly: {next(iter(why))}): its rate counts them, its latencies don't"
            )
    if len(outcomes) < offered:
        yield f"{offered - len(outcomes):,} of {offered:,} operations were never begun"


def _share(some: int, count: int, step: str) -> str:
    return f"{some / count:.1%} of the operations of {step} ({some:,} of {count:,})"


class _Lateness(NamedTuple):
    """Lateness of a step: operations begun, late ones, the worst in seconds.

    Operations due at the same moment are a burst. `behind` counts the operations of bursts whose first
    one began late. In other bursts, operations only wait for the first: that is latency, not lateness.
    """

    begun: int
    late: int
    behind: int
    worst: float


def _lateness(outcomes: Outcomes, mine: Bools) -> _Lateness:
    """Return the lateness of the operations `mine` of one step."""
    late = np.concatenate(list(outcomes.lateness(mine)))
    due = outcomes.due[mine]
    if np.any(due[1:] < due[:-1]):
        order = np.argsort(due, kind="stable")
        late, due = late[order], due[order]
    begins = np.flatnonzero(np.concatenate([[True], due[1:] != due[:-1]]))
    first = np.minimum.reduceat(late, begins)
    counts = np.diff(begins, append=len(due))
    behind = int(counts[first > LATE].sum())
    return _Lateness(len(late), int(np.count_nonzero(late > LATE)), behind, float(late.max()))


def _of_processor(spent: Spent) -> Iterator[str]:
    if spent.idle < _LEAST_IDLE:
        busy = 1 - spent.idle
        yield f"the CPUs were {busy:.0%} busy while the steps ran: latencies include the wait for them"
    if spent.stolen > _MOST_STOLEN:
        yield f"the hypervisor gave {spent.stolen:.0%} of the CPU time to others while the steps ran"


def _of_probes(result: RunResult) -> Iterator[str]:
    missed = sum(probe.unasked for probe in result.probes)
    if missed:
        sent = sum(probe.sent for probe in result.probes)
        yield (
            f"{missed:,} of {missed + sent:,} probes were not sent, for lack of time: "
            "losses may be longer than they look"
        )
    silent = sum(not probe.sent for probe in result.probes)
    if silent and not (result.interrupted or result.aborted):
        yield f"{silent:,} of {len(result.probes):,} pairs were never probed"


def _of_samples(result: RunResult) -> Iterator[str]:
    interval = (result.scenario.get("metrics") or {}).get("interval", 0.0)
    gaps = [b.at - a.at for a, b in pairwise(result.samples)]
    worst = max(gaps, default=0.0)
    if interval and worst > _LONGEST_GAP * interval:
        yield f"no sample of the machine for {worst:.3g} s, although the interval is {interval:g} s"


def _of_kernel(result: RunResult) -> Iterator[str]:
    """Yield warnings about kernel resources that all networks of a machine share."""
    wait = _worst(result, "host.rtnl.wait")
    if wait > _LONGEST_WAIT:
        yield (
            f"a change of the network waited {wait:.3g} s for the kernel's lock at worst, which others held: "
            "networks that go up or down at the same time do"
        )
    worst = _worst(result, "host.neighbours.full")
    if worst:
        yield (
            f"the kernel's neighbour table was full, {worst:.3g} times a second at worst: hosts lose each "
            "other until it has room. All networks of a machine share it: take others down, or raise "
            "net.ipv4.neigh.default.gc_thresh3 (and net.ipv6)"
        )


def _worst(result: RunResult, name: str) -> float:
    return max((sample.values.get(name, 0.0) for sample in result.samples), default=0.0)


def _of_flows(result: RunResult) -> Iterator[str]:
    failed = Counter(str(flow["error"]) for flow in result.traffic if flow.get("error"))
    if failed:
        words = ", ".join(f"{count} x {error}" for error, count in failed.most_common(3))
        yield f"{failed.total():,} of {len(result.traffic):,} flows of traffic failed: {words}"
