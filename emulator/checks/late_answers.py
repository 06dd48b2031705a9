"""Find the round trips that are not what the delays of links make.

An answer that comes too early is wrong at once: time can't be saved, and the clock starts before the probe
is sent. A late answer may be innocent. The first packet waits for ARP or for a controller, and a busy machine
wakes programs late. So late probes are sent again, and the least of a probe's times counts: all of them at
the pace of their answers, `_PASSES` times if that helps many, then a few at a time, with pauses that grow, so
that they load nobody and a busy moment passes. It ends after `_ROUNDS` batches in a row in which none was in
time. If a share q of the rest is in time, a random batch of eight shows none with probability (1 - q)^8,
three in a row with (1 - q)^24: with q = 0.2, once in 200 checks. The network is wrong then anyway. A rest of
at most one batch is sent `_ROUNDS` times more.

Tolerance: an answer may come `_LEAST` or `_SHARE` later than the greatest delay, whichever is more, and by
the time that links of a low bandwidth and many nodes take (`crossing_times`). Idle, a veth pair and a bridge
add microseconds, and netem less than a millisecond. `_LEAST` is several scheduling slices of a busy machine.
The tolerance is `_GROSS` where the file asks for no delay, since nobody relies on a round trip there, and
where a controller may see every packet.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from emulator.access import Access, Echo
from emulator.checks.asking import shuffled
from emulator.checks.crossing_times import HIGH, LOW, ROOM, Times

_LEAST, _SHARE, _GROSS = 0.01, 0.25, 1.0
_EARLY = 0.001
"""Seconds by which an answer may be early: clocks, and netem's time unit."""
_PASSES, _ROUNDS, _BATCH, _MOST = 2, 3, 8, 512
_PAUSE = 0.25
_BUDGET = 60.0
"""Seconds after which probing continues only if many of the last batch were in time."""


def allowed(bounds: Times, *, strict: bool) -> npt.NDArray[np.float64]:
    """Return the least and greatest allowed seconds of each round trip: float64[q, 2].

    `bounds` is float64[q, 3]. It is not `strict` without delays, or with a controller.
    """
    high = bounds[:, HIGH]
    later = high + bounds[:, ROOM] + np.maximum(_LEAST if strict else _GROSS, _SHARE * high)
    return np.stack([bounds[:, LOW] - _EARLY, later], axis=1)


def least_times(
    access: Access, echoes: Sequence[Echo], times: Sequence[float], greatest: Sequence[float], timeout: float,
    *, pause: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic,
) -> list[float]:  # fmt: skip
    """Return the least time of each probe, after late ones were sent again.

    `times` are the first times; those above `greatest` are late. All are in seconds.
    """
    least = list(times)

    def send(numbers: list[int]) -> list[int]:
        """Send probes again; return those that are still late."""
        answers = access.ping([echoes[at] for at in numbers], timeout)
        for at, seconds in zip(numbers, answers, strict=True):
            least[at] = least[at] if seconds is None else min(least[at], seconds)
        return [at for at in numbers if least[at] > greatest[at]]

    late = [at for at, seconds in enumerate(times) if seconds > greatest[at]]
    for _ in range(_PASSES):
        before, late = len(late), send(late) if late else []
        if not _are_many(before - len(late), before):
            break
    left = deque(shuffled(late))
    end = clock() + _BUDGET
    fruitless, size = 0, _BATCH
    while left and fruitless < _ROUNDS:
        batch = [left.popleft() for _ in range(min(size, len(left)))]
        still = send(batch)
        left.extend(still)
        fruitless = fruitless + 1 if len(still) == len(batch) else 0
        many = _are_many(len(batch) - len(still), len(batch))
        size = min(2 * size, _MOST) if many else max(size // 2, _BATCH)
        if not many:
            if clock() > end:
                break
            pause(_PAUSE * 2**fruitless)
    return least


def _are_many(good: int, count: int) -> bool:
    """Return whether enough of `count` late probes were in time this time to send many at once."""
    return 4 * good >= count
