"""Schedule of probes: each has a place in the window and is repeated while there is time. Pure.

A probe keeps its place until it is answered or its time in the window is over. An answer counts until
`timeout` seconds after the probe was first sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from math import inf

from emulator.probe_window import ProbeWindow

_TIMES, _AGAIN = 3, 0.35
"""Maximum sends per probe, and the minimum time between two sends, as a share of the timeout."""
_LAST = 0.3
"""Minimum time for the answer to the last repetition, as a share of the timeout."""
_SEND, _END, _PLACE = range(3)
"""Kinds of alarm: send again, give up, free a place in the window."""
_UNEXPECTED = 0.25
"""Maximum seconds that a probe keeps its place when no answer is expected."""
_BUDGET, _HOPELESS = 60.0, 0.25
"""After so many seconds no new probes are sent while less than this share is answered."""


class ProbeSchedule:
    """Probes of one round; number k has its answer in `times[k]`, in seconds, or None.

    `expected[k]` is true if an answer is expected. Only then does a missing answer indicate the network's
    load.
    """

    def __init__(self, expected: Sequence[bool], timeout: float, window: ProbeWindow) -> None:
        self._expected = expected
        self._timeout = timeout
        self._window = window
        self._new = deque(range(len(expected)))
        self._again: deque[int] = deque()
        self._sent: dict[int, list[float]] = {}
        """Open probes: the times at which each was sent."""
        self._places: dict[int, float] = {}
        """Probes in the window: the time at which each was last sent."""
        self._alarms: list[tuple[float, int, int]] = []
        """Heap of (time, kind of alarm, probe)."""
        self._settled: list[int] = []
        self._begin: float | None = None
        self._turn = False
        self.times: list[float | None] = [None] * len(expected)

    @property
    def done(self) -> bool:
        """True when no probe is open."""
        return not self._new and not self._sent

    def due(self, now: Callable[[], float], may_send: Callable[[int], bool]) -> Iterator[int]:
        """Yield the probes to send now; a new one only if `may_send` allows it."""
        self._look(now())
        while len(self._places) < int(self._window.size):
            number = self._next(now(), may_send)
            if number is None:
                return
            self._send(number, now())
            yield number

    def _next(self, now: float, may_send: Callable[[int], bool]) -> int | None:
        """Return the next probe to send: new and repeated ones alternate, if there are both.

        If repeated ones came first, many dead ones in a row would look like silence.
        """
        while self._new and self._expected[self._new[0]] and self._hopeless(now):
            self._new.popleft()
        while self._again and self._again[0] not in self._sent:
            self._again.popleft()
        if self._new and not (self._again and self._turn) and may_send(self._new[0]):
            self._turn = True
            number = self._new.popleft()
            self._sent[number] = []
            return number
        self._turn = False
        return self._again.popleft() if self._again else None

    def _hopeless(self, now: float) -> bool:
        """Return whether most is dead and time is too short for all: the caller repeats some probes then."""
        if self._begin is None:
            self._begin = now
        return self._window.silent or (now - self._begin > _BUDGET and self._window.share < _HOPELESS)

    def wake(self) -> float:
        """Return the time of the next action that needs no answer."""
        return self._alarms[0][0] if self._alarms else inf

    def heard(self, number: int, now: float) -> None:
        """Record the answer to a probe; only the first answer counts."""
        sent = self._sent.pop(number, None)
        if not sent:
            return
        self.times[number] = now - sent[0]
        self._places.pop(number, None)
        self._settled.append(number)
        self._window.heard(now - sent[0], now, sure=len(sent) == 1)

    def pop_settled(self) -> list[int]:
        """Return the probes that were answered or given up since the last call."""
        found, self._settled = self._settled, []
        return found

    def _send(self, number: int, now: float) -> None:
        sent = self._sent[number]
        sent.append(now)
        self._places[number] = now
        hold = self._window.hold if self._expected[number] else min(self._window.hold, _UNEXPECTED)
        heappush(self._alarms, (now + hold, _PLACE, number))
        end = max(sent[0] + self._timeout, now + _LAST * self._timeout)
        again = now + max(_AGAIN * self._timeout, self._window.usual)
        if len(sent) < _TIMES and again < end:
            heappush(self._alarms, (again, _SEND, number))
        else:
            heappush(self._alarms, (end, _END, number))

    def _look(self, now: float) -> None:
        """Process due alarms: free places, queue repetitions, give up."""
        while self._alarms and self._alarms[0][0] <= now:
            _, alarm, number = heappop(self._alarms)
            if number not in self._sent:
                continue
            if alarm == _PLACE:
                sent = self._places.pop(number, None)
                if sent is not None and self._expected[number]:
                    self._window.unheard(sent, now)
            elif alarm == _END or (self._window.silent and self._expected[number]):
                self._give_up(number)
            else:
                self._again.append(number)

    def _give_up(self, number: int) -> None:
        del self._sent[number]
        self._places.pop(number, None)
        self._settled.append(number)
        if self._expected[number]:
            self._window.lost()
