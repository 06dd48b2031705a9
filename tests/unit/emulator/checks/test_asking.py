"""A sound network is never called broken, however slow; a broken one never sound, and not for long."""

from __future__ import annotations

import random
from typing import cast

import pytest
from support.slow_network import SlowHandle, SlowNetwork

from emulator.access import Access, Echo
from emulator.checks.asking import ask
from emulator.linux.icmp import limits

CONTROLLER = limits(88 * 8, controllers=True)
ROUNDS = 4
ALL = 1_000


def unanswered(network: SlowNetwork, count: int = ALL, expected: bool = True) -> set[int]:
    """Return which of questions 0… a check finds no answer to."""
    handle = cast("Access", SlowHandle(network, CONTROLLER))
    echoes = [Echo(at, "", expected) for at in range(count)]
    times = ask(handle, echoes, 3.0, ROUNDS, lambda: network.clock)
    return {at for at, seconds in enumerate(times) if seconds is None}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", [0.3, 0.45])
@pytest.mark.parametrize(("seconds", "room"), [(0.001, 20), (0.05, 20), (0.1, 1000)])
def test_a_sound_network_is_never_called_broken(seconds: float, room: int, loss: float, seed: int) -> None:
    draws = random.Random(seed)
    network = SlowNetwork(seconds, room, loses=lambda _: draws.random() < loss)
    assert unanswered(network) == set()


def test_a_network_that_is_deaf_for_seconds_is_sound() -> None:
    network = SlowNetwork(0.001, 100, loses=lambda _: network.clock < 8)
    assert unanswered(network, 400) == set()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.002])
def test_a_broken_network_is_called_broken_and_soon(share: float) -> None:
    draws = random.Random(7)
    dead = set(draws.sample(range(ALL), int(share * ALL)))
    network = SlowNetwork(0.005, 50, dead, loses=lambda _: draws.random() < 0.05)
    found = unanswered(network)
    assert found >= dead
    assert found == dead or share > 0.9
    assert network.clock < 60


def test_a_network_that_answers_now_and_then_costs_no_more_than_the_budget() -> None:
    draws = random.Random(7)
    network = SlowNetwork(0.005, 50, loses=lambda _: draws.random() < 0.97)
    assert unanswered(network, 4_032)
    assert network.clock < 150


def test_what_should_not_answer_is_found_when_it_does() -> None:
    leaks = {3, 500, 999}
    network = SlowNetwork(0.001, 20, dead=set(range(ALL)) - leaks)
    assert unanswered(network, expected=False) == set(range(ALL)) - leaks
    assert network.clock < 250
