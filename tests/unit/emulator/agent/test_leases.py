"""What clients keep open on a worker: closed when they say so, and when they say nothing for long."""

from __future__ import annotations

import threading

import pytest

from emulator.agent.leases import Leases
from emulator.errors import NotWholeError


class Thing:
    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def test_things_have_numbers_of_their_own_and_are_closed_once() -> None:
    leases = Leases()
    one, other = Thing(), Thing()
    numbers = leases.add(one), leases.add(other)
    assert leases.find(numbers[0]) is one
    assert leases.find(numbers[1]) is other
    leases.close(numbers[0])
    leases.close(numbers[0])
    assert one.closed.is_set()
    assert not other.closed.is_set()
    with pytest.raises(NotWholeError, match="nobody called for 30 s"):
        leases.find(numbers[0])
    leases.close(numbers[1])


def test_a_thing_that_nobody_calls_is_closed() -> None:
    leases = Leases(seconds=0.05)
    lonely = Thing()
    number = leases.add(lonely)
    assert lonely.closed.wait(20)
    with pytest.raises(NotWholeError):
        leases.find(number)
