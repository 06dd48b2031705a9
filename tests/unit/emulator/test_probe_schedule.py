"""The schedule of probes adapts to what answers: nobody is overrun, and what is dead costs seconds."""

from __future__ import annotations

import pytest
from support.slow_network import SlowNetwork

from emulator.linux.icmp import limits
from emulator.probe_schedule import ProbeSchedule
from emulator.probe_window import Limits, ProbeWindow

CONTROLLER = limits(88 * 8, controllers=True)
BRIDGES = limits(2_112)
ALL = 4_032


@pytest.mark.parametrize("seconds", [0.0005, 0.005, 0.02])
@pytest.mark.parametrize("room", [20, 100, 10**6])
def test_a_slow_network_with_a_short_queue_answers_all(seconds: float, room: int) -> None:
    network = SlowNetwork(seconds, room)
    times = network.ask([True] * ALL, CONTROLLER)
    assert None not in times
    assert network.clock < 1.5 * ALL * seconds + 2
    assert network.dropped < ALL / 10
    assert network.longest < 0.6 / seconds  # never behind by as much as a question is waited for


def test_a_quick_network_is_asked_as_quickly_as_it_answers() -> None:
    network = SlowNetwork(0.00005, 10**6)
    assert None not in network.ask([True] * ALL, BRIDGES)
    assert network.clock == pytest.approx(ALL * 0.00005, rel=0.05)
    assert network.sent == ALL


def test_an_answer_that_was_lost_is_asked_for_again() -> None:
    network = SlowNetwork(0.001, 100, loses=lambda sent: sent % 5 == 0)
    times = network.ask([True] * 500, CONTROLLER)
    assert times.count(None) < 10  # 0.2 ** 3 of them


@pytest.mark.parametrize("of", [CONTROLLER, BRIDGES])
def test_a_dead_network_costs_seconds(of: Limits) -> None:
    network = SlowNetwork(0.001, 10**6, dead=range(ALL))
    assert network.ask([True] * ALL, of) == [None] * ALL
    assert network.clock < 40


@pytest.mark.parametrize("of", [CONTROLLER, BRIDGES])
@pytest.mark.parametrize("share", [10, 2])
def test_a_network_that_is_dead_in_part_answers_where_it_is_not(of: Limits, share: int) -> None:
    dead = set(range(0, ALL, share))
    network = SlowNetwork(0.001, 10**6, dead, busy=False)
    times = network.ask([True] * ALL, of)
    assert {at for at, seconds in enumerate(times) if seconds is None} == dead
    assert network.clock < 80


def test_where_no_answer_is_expected_silence_does_not_slow_down() -> None:
    network = SlowNetwork(0.001, 10**6, dead=range(0, ALL, 2), busy=False)
    expected = [at % 2 == 1 for at in range(ALL)]
    times = network.ask(expected, BRIDGES)
    assert [seconds is not None for seconds in times] == expected
    assert network.clock < 15


def test_a_question_waits_for_room() -> None:
    schedule = ProbeSchedule([True] * 3, 1.0, ProbeWindow(BRIDGES))
    assert list(schedule.due(lambda: 0.0, lambda number: number < 2)) == [0, 1]
    schedule.heard(0, 0.1)
    assert schedule.pop_settled() == [0]
    assert list(schedule.due(lambda: 0.1, lambda _: True)) == [2]


def test_only_the_first_answer_counts_and_it_may_be_late() -> None:
    schedule = ProbeSchedule([True], 1.0, ProbeWindow(BRIDGES))
    assert list(schedule.due(lambda: 0.0, lambda _: True)) == [0]
    assert list(schedule.due(lambda: 0.34, lambda _: True)) == []
    assert list(schedule.due(lambda: 0.36, lambda _: True)) == [0]
    schedule.heard(0, 0.9)
    schedule.heard(0, 0.95)
    assert schedule.times == [0.9]
    assert schedule.done


@pytest.mark.parametrize("timeout", [0.2, 1.0, 5.0])
def test_a_question_is_asked_three_times_and_given_up_when_its_time_is_over(timeout: float) -> None:
    network = SlowNetwork(0.001, 10, dead=[0])
    assert network.ask([True], BRIDGES, timeout) == [None]
    assert network.sent == 3
    assert network.clock == pytest.approx(timeout, rel=0.01)


def test_the_window_is_halved_once_for_all_of_a_window() -> None:
    window = ProbeWindow(Limits(start=64, least=8, most=512, late=0.1, longest=1.0))
    for _ in range(64):
        window.heard(0.5, 1.0, sure=True)
    assert window.size == 32
    window.heard(0.5, 2.0, sure=True)
    assert window.size == 16
    window.heard(0.05, 2.1, sure=True)
    assert window.size == pytest.approx(16 + 1 / 16)
