"""Simulated network that answers one probe after the other and drops those that don't fit in its queue.

It behaves like a controller for packets that no flow matches. The clock is a number, so a minute takes a
millisecond.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import inf

from emulator.access import Echo
from emulator.probe_schedule import ProbeSchedule
from emulator.probe_window import Limits, ProbeWindow


class SlowNetwork:
    """Network that answers a probe `seconds` after the one before; `room` may wait, `dead` get no answer.

    With `busy`, dead probes take as long as others. `loses` selects the sent probes that get lost.
    """

    def __init__(
        self, seconds: float, room: int, dead: Iterable[int] = (), *,
        busy: bool = True, loses: Callable[[int], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        self._seconds, self._room, self._dead = seconds, room, frozenset(dead)
        self._busy, self._loses = busy, loses
        self._queue: deque[tuple[float, int]] = deque()
        self._free = 0.0
        self.clock = 0.0
        self.sent = self.dropped = self.longest = 0

    def send(self, number: int) -> None:
        """Accept a probe, or drop it."""
        self.sent += 1
        while self._queue and self._queue[0][0] <= self.clock and self._queue[0][1] in self._dead:
            self._queue.popleft()
        if self._loses(self.sent) or len(self._queue) >= self._room:
            self.dropped += 1
        elif self._busy or number not in self._dead:
            self._free = max(self._free, self.clock) + self._seconds
            self._queue.append((self._free, number))
        self.longest = max(self.longest, len(self._queue))

    def answered(self, until: float) -> int | None:
        """Return the probe that is answered next, at `clock`; None when `until` is reached before."""
        while self._queue and self._queue[0][0] <= until:
            at, number = self._queue.popleft()
            self.clock = max(self.clock, at)
            if number not in self._dead:
                return number
        self.clock = max(self.clock, until)
        return None

    def ask(self, expected: Sequence[bool], limits: Limits, timeout: float = 1.0) -> list[float | None]:
        """Send the probes 0… and return their times, like a pinger."""
        return self.ask_some(range(len(expected)), expected, limits, timeout)

    def ask_some(
        self, numbers: Sequence[int], expected: Sequence[bool], limits: Limits, timeout: float
    ) -> list[float | None]:
        """Send the probes `numbers` and return their times."""
        questions = ProbeSchedule(expected, timeout, ProbeWindow(limits))
        at_of = {number: at for at, number in enumerate(numbers)}
        while not questions.done:
            for at in questions.due(lambda: self.clock, lambda _: True):
                self.send(numbers[at])
            wake = questions.wake()
            assert wake < inf or questions.done
            heard = None if questions.done else self.answered(wake)
            if heard is not None and heard in at_of:
                questions.heard(at_of[heard], self.clock)
        return questions.times


class SlowHandle:
    """Part of a `Network` that a check needs; probe k goes to node k."""

    def __init__(self, network: SlowNetwork, limits: Limits) -> None:
        self._network, self._limits = network, limits
        self.rounds: list[int] = []

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Send the probes."""
        self.rounds.append(len(echoes))
        numbers = [echo.source for echo in echoes]
        return self._network.ask_some(numbers, [echo.expected for echo in echoes], self._limits, timeout)
