"""Send all probes of a check, and repeat unanswered ones slowly before they count as unanswered.

First, all probes are sent at the pace of their answers. An expected answer can be missing because it was
lost, or because the probe was sent too early: a port forwards up to a second after its link comes up
(net/core/link_watch.c), and the kernel repeats a lost ARP request after a second. Or no node can answer.
To find out, a few probes are sent at a time, so that they overload nobody: a batch of `_BATCH`, drawn from
all that are left, and the next batch after its time is over. Each answer is a reason to continue. Batches
double when most probes of one are answered.

It ends after `rounds` - 1 batches in a row without any answer. A probe that can be answered is answered in
such a batch with a probability p well above one half. If a share q of the rest can be answered, a random
batch of k has no answer with probability (1 - p q)^k. Take p = 0.7, k = 8 and two batches in a row. A network
in which all can be answered is then called broken by mistake once in 10^8 checks. One in which a fifth of
the rest can be answered is called broken once in ten checks: it is broken anyway, but some of the pairs
named are not. A rest of at most one batch is sent completely. So a broken network costs `rounds` - 1
batches, each waiting longer than the last, and one that answers now and then costs `_BUDGET` seconds at
most.
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
"""Seconds after which probing continues only if at least half of the last batch was answered."""


def ask(
    access: Access, echoes: Sequence[Echo], timeout: float, rounds: int,
    clock: Callable[[], float] = time.monotonic,
) -> list[float | None]:  # fmt: skip
    """Return the seconds until the answer of each probe, None if there is none.

    `timeout` is in seconds; `rounds` - 1 batches in a row without any answer end it.
    """
    times = list(access.ping(echoes, timeout))
    left = deque(shuffled([at for at, echo in enumerate(echoes) if echo.expected and times[at] is None]))
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


def shuffled(numbers: list[int]) -> list[int]:
    """Return `numbers` in a random order, the same every time."""
    keys = Stream(len(numbers), "asked again").random(len(numbers)).tolist()
    return [number for _, number in sorted(zip(keys, numbers, strict=True))]
