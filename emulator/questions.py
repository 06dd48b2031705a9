"""Schedule of probes: each has a place in the window and is repeated while there is time. Pure.

A question keeps its place until it is answered or its time in the window is over; its answer is taken
until `timeout` seconds after it was asked first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from math import inf

from emulator.probe_window import ProbeWindow

_TIMES, _AGAIN = 3, 0.35
"""How often a question is asked, and how long after the time before at least, as a share of the timeout."""
_LAST = 0.3
"""The share of the timeout that an answer to the last repetition gets at least."""
_ASK, _END, _PLACE = range(3)
"""What an alarm is for: to ask again, to give up, to free a place in the window."""
_UNEXPECTED = 0.25
"""Seconds that a question keeps its place at most when no answer is expected."""
_BUDGET, _HOPELESS = 60.0, 0.25
"""Seconds after which new questions aren't asked any more while less than this share is answered."""


class Questions:
    """All questions of one round; number k has an answer in `times[k]`, in seconds, or None.

    `expected[k]` says whether an answer is expected: that none comes where none is expected says nothing
    about the network's load.
    """

    def __init__(self, expected: Sequence[bool], timeout: float, window: ProbeWindow) -> None:
        self._expected = expected
        self._timeout = timeout
        self._window = window
        self._new = deque(range(len(expected)))
        self._again: deque[int] = deque()
        self._asked: dict[int, list[float]] = {}
        """Of each question that is open: when it was asked."""
        self._places: dict[int, float] = {}
        """Of each question in the window: when it was last asked."""
        self._alarms: list[tuple[float, int, int]] = []
        """(time, what for, question): what may have to be done when."""
        self._settled: list[int] = []
        self._begin: float | None = None
        self._turn = False
        self.times: list[float | None] = [None] * len(expected)

    @property
    def done(self) -> bool:
        """Whether no probe is open."""
        return not self._new and not self._asked

    def due(self, now: Callable[[], float], may_ask: Callable[[int], bool]) -> Iterator[int]:
        """Yield the probes to send now; a new one only if `may_ask` says so."""
        self._look(now())
        while len(self._places) < int(self._window.size):
            number = self._next(now(), may_ask)
            if number is None:
                return
            self._ask(number, now())
            yield number

    def _next(self, now: float, may_ask: Callable[[int], bool]) -> int | None:
        """Return which question to ask next: new ones and old ones by turns, where there are both.

        Were the old ones asked first, many dead ones in a row would look like silence.
        """
        while self._new and self._expected[self._new[0]] and self._hopeless(now):
            self._new.popleft()
        while self._again and self._again[0] not in self._asked:
            self._again.popleft()
        if self._new and not (self._again and self._turn) and may_ask(self._new[0]):
            self._turn = True
            number = self._new.popleft()
            self._asked[number] = []
            return number
        self._turn = False
        return self._again.popleft() if self._again else None

    def _hopeless(self, now: float) -> bool:
        """Return whether most is dead and there is no time for all of it: whoever asks asks some again."""
        if self._begin is None:
            self._begin = now
        return self._window.silent or (now - self._begin > _BUDGET and self._window.share < _HOPELESS)

    def wake(self) -> float:
        """Return when there is something to do although no answer comes."""
        return self._alarms[0][0] if self._alarms else inf

    def heard(self, number: int, now: float) -> None:
        """Take the answer to a question, of which only the first counts."""
        asked = self._asked.pop(number, None)
        if not asked:
            return
        self.times[number] = now - asked[0]
        self._places.pop(number, None)
        self._settled.append(number)
        self._window.heard(now - asked[0], now, sure=len(asked) == 1)

    def take_settled(self) -> list[int]:
        """Return the questions that were answered or given up since the last time."""
        found, self._settled = self._settled, []
        return found

    def _ask(self, number: int, now: float) -> None:
        asked = self._asked[number]
        asked.append(now)
        self._places[number] = now
        hold = self._window.hold if self._expected[number] else min(self._window.hold, _UNEXPECTED)
        heappush(self._alarms, (now + hold, _PLACE, number))
        end = max(asked[0] + self._timeout, now + _LAST * self._timeout)
        again = now + max(_AGAIN * self._timeout, self._window.usual)
        if len(asked) < _TIMES and again < end:
            heappush(self._alarms, (again, _ASK, number))
        else:
            heappush(self._alarms, (end, _END, number))

    def _look(self, now: float) -> None:
        """Do what is due: free places, line up what is to be asked again, give up."""
        while self._alarms and self._alarms[0][0] <= now:
            _, alarm, number = heappop(self._alarms)
            if number not in self._asked:
                continue
            if alarm == _PLACE:
                asked = self._places.pop(number, None)
                if asked is not None and self._expected[number]:
                    self._window.unheard(asked, now)
            elif alarm == _END or (self._window.silent and self._expected[number]):
                self._give_up(number)
            else:
                self._again.append(number)

    def _give_up(self, number: int) -> None:
        del self._asked[number]
        self._places.pop(number, None)
        self._settled.append(number)
        if self._expected[number]:
            self._window.lost()
