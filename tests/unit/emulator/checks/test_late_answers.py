"""Late answers are judged slowly: a busy network is never called wrong, a slow one always and soon."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pytest
from support.slow_network import SlowHandle, SlowNetwork

from emulator.access import Access, Echo
from emulator.checks.late_answers import allowed, least_times
from emulator.linux.icmp import limits

ALL = 1_000
LATE = 0.2
"""Seconds above which an answer of these tests is late."""


class TimedAccess:
    """Access whose probes take the time of `seconds(node, how often it was sent)`; the clock is a number."""

    def __init__(self, seconds: Callable[[int, int], float | None]) -> None:
        self._seconds = seconds
        self.clock = 0.0
        self.sent: dict[int, int] = {}
        self.rounds: list[int] = []

    def ping(self, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        """Return the times of the probes."""
        out = []
        for echo in echoes:
            self.sent[echo.source] = self.sent.get(echo.source, 0) + 1
            out.append(self._seconds(echo.source, self.sent[echo.source]))
        self.rounds.append(len(echoes))
        self.clock += max(timeout if seconds is None else seconds for seconds in out)
        return out

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.clock += seconds

    def late(self, count: int = ALL) -> set[int]:
        """Send probes once, judge them, return which are late."""
        echoes = [Echo(at, "") for at in range(count)]
        first = [9.0 if seconds is None else seconds for seconds in self.ping(echoes, 3.0)]
        least = least_times(
            cast("Access", self), echoes, first, [LATE] * count, 3.0,
            pause=self.pause, clock=lambda: self.clock,
        )  # fmt: skip
        return {at for at, seconds in enumerate(least) if seconds > LATE}


def test_what_is_in_time_is_sent_once() -> None:
    access = TimedAccess(lambda _, __: 0.1)
    assert access.late() == set()
    assert access.rounds == [ALL]


def test_the_first_probe_may_wait_for_an_address_or_a_controller() -> None:
    access = TimedAccess(lambda at, time: 0.3 if time == 1 and at % 2 else 0.1)
    assert access.late() == set()
    assert access.rounds == [ALL, ALL // 2]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_busy_machine_is_not_a_slow_network(share: float, seed: int) -> None:
    draws = random.Random(seed)
    access = TimedAccess(lambda _, __: draws.choice([0.25, 1.0, None]) if draws.random() < share else 0.1)
    assert access.late() == set()
    assert access.clock < 60


def test_a_busy_moment_passes() -> None:
    access = TimedAccess(lambda _, __: 0.4 if access.clock < 2.0 else 0.1)
    assert access.late() == set()


@pytest.mark.parametrize("seconds", [0.21, 2.9])
def test_a_slow_network_is_called_slow_and_soon(seconds: float) -> None:
    access = TimedAccess(lambda _, __: seconds)
    assert access.late() == set(range(ALL))
    assert access.clock < 20
    assert sum(access.rounds) < 3 * ALL


def test_a_few_slow_pairs_are_named_and_sent_several_times() -> None:
    access = TimedAccess(lambda at, time: 0.5 if at in {3, 500, 999} or time == 1 else 0.1)
    assert access.late() == {3, 500, 999}
    assert [access.sent[at] for at in (3, 500, 999)] == [6, 6, 6]


@pytest.mark.parametrize("seed", range(5))
def test_among_many_slow_pairs_no_other_is_named(seed: int) -> None:
    draws = random.Random(seed)
    slow = set(draws.sample(range(ALL), 300))
    access = TimedAccess(lambda at, time: 0.5 if at in slow or time == 1 or draws.random() < 0.02 else 0.1)
    found = access.late()
    assert found >= slow
    assert len(found - slow) < 3
    assert access.clock < 60


def test_no_answer_to_a_later_probe_changes_nothing() -> None:
    access = TimedAccess(lambda at, time: 0.5 if time == 1 and at == 7 else 0.1 if at != 7 else None)
    assert access.late() == {7}


def simulated(network: SlowNetwork) -> int:
    """Return how many of the probes of a simulated network are late."""
    handle = cast("Access", SlowHandle(network, limits(8)))
    echoes = [Echo(at, "") for at in range(ALL)]
    first = [9.0 if seconds is None else seconds for seconds in handle.ping(echoes, 3.0)]
    least = least_times(
        handle, echoes, first, [LATE] * ALL, 3.0,
        pause=lambda _: None, clock=lambda: network.clock,
    )  # fmt: skip
    return sum(seconds > LATE for seconds in least)


@pytest.mark.parametrize(("seconds", "late"), [(0.0001, 0), (0.001, 0), (0.01, 0), (0.25, ALL - 10)])
def test_a_queue_of_the_checks_own_making_is_not_a_delay(seconds: float, late: int) -> None:
    found = simulated(SlowNetwork(seconds, 1000))
    assert found >= late  # answers to an earlier round may count in the simulation: not quite all are late
    assert found == 0 or late


@pytest.mark.parametrize(
    ("bounds", "strict", "expected"),
    [
        ((0.166, 0.166, 0.0), True, (0.165, 0.2075)),
        ((0.002, 0.004, 0.0), True, (0.001, 0.014)),
        ((0.0, 0.0, 0.0), False, (-0.001, 1.0)),
        ((8.0, 8.0, 0.5), False, (7.999, 10.5)),
        ((0.0, np.inf, 0.0), True, (-0.001, np.inf)),
    ],
)
def test_the_tolerance_is_ten_milliseconds_or_a_quarter(
    bounds: tuple[float, float, float], strict: bool, expected: tuple[float, float]
) -> None:
    assert allowed(np.array([bounds]), strict=strict).tolist() == [pytest.approx(expected)]
