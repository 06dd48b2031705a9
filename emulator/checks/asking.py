"""Ask all questions of a check, and those without an answer again, slowly, before they are called unanswered.

First all are asked at the pace at which they are answered. What has no answer although one was expected
was lost, or asked too early: the kernel lets a port forward up to a second after its link comes up
(net/core/link_watch.c), and repeats a lost ARP request after a second. Or nobody can answer it. Which of
these is found out with few questions at a time, which overrun nobody: a batch of `_BATCH` from all over
the rest, and the next one only when its time is over. Each answer is a reason to go on, with batches
twice as large when most are answered.

When no question of `rounds` - 1 batches in a row is answered, it ends. A question that can be answered
is answered in such a batch with a probability p well above one half; were a share q of the rest of that
kind, a batch of k drawn at random would be fruitless with (1 - p q)^k. With p = 0.7, k = 8 and two
batches in a row, a network of which all can be answered is called broken by mistake once in 10^8
checks, and one of which a fifth of the rest can be answered once in ten: that one is broken
anyway, and some of the pairs that are named are not. A rest of no more than a batch is asked whole. So
a broken network costs `rounds` - 1 batches, each with more patience than the last, and one that
answers now and then `_BUDGET` seconds at most.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from emulator.access import Access, Echo
from topologies.rng import Stream

_BATCH = 8
_MOST = 512
_BUDGET = 60.0
"""Seconds after which only a network of whose last batch at least half was answered is asked on."""


def ask(
    access: Access, echoes: Sequence[Echo], timeout: float, rounds: int,
    clock: Callable[[], float] = time.monotonic,
) -> list[float | None]:  # fmt: skip
    """Return for each question the seconds until its answer, None where none came.

    `timeout` is in seconds; `rounds` - 1 batches in a row without any answer end it.
    """
    times = list(access.ping(echoes, timeout))
    left = deque(_shuffled([at for at, echo in enumerate(echoes) if echo.expected and times[at] is None]))
    end = clock() + _BUDGET
    fruitless, size = 0, _BATCH
    while left and fruitless < rounds - 1:
        batch = [left.popleft() for _ in range(min(size, len(left)))]
        answers = access.ping([echoes[at] for at in batch], timeout + fruitless)
        for at, seconds in zip(batch, answers, strict=True):
            times[at] = seconds
            if seconds is None:
                left.append(at)
        heard = sum(seconds is not None for seconds in answers)
        fruitless = 0 if heard else fruitless + 1
        mostly = 2 * heard >= len(batch)
        size = min(2 * size, _MOST) if mostly else max(size // 2, _BATCH)
        if not mostly and clock() > end:
            break
    return times


def _shuffled(numbers: list[int]) -> list[int]:
    keys = Stream(len(numbers), "asked again").random(len(numbers)).tolist()
    return [number for _, number in sorted(zip(keys, numbers, strict=True))]
