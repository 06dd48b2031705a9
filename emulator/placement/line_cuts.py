"""Cut a line of items into one run per worker, where few links cross.

Both a hierarchy (racks in their order) and an arbitrary graph (nodes in breadth-first order) become
a line on which neighbours are near. The shares give the ideal places to cut. Around each there is a
window that keeps the balance; the place in it that the fewest links cross wins. So a run ends at the
border of a pod or zone wherever the balance allows.
"""

from __future__ import annotations

import numpy as np

from topologies.topology import F64, I64

SLACK = 0.1
"""Largest distance of a cut from its ideal place, as a part of the smaller of the two runs it separates."""


def crossing_links(first: I64, second: I64, count: int) -> I64:
    """Return the number of links across each border of a line of `count` items: int64[count + 1].

    Border p lies before item p. `first` and `second` (int64[m]) are the items that links join.
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    steps = np.bincount(low + 1, minlength=count + 2) - np.bincount(high + 1, minlength=count + 2)
    return np.cumsum(steps)[: count + 1]


def cut_line(weights: I64, crossings: I64, share: F64, slack: float = SLACK) -> I64:
    """Return the run of each item: int64[count], ascending.

    weights int64[count]; crossings int64[count + 1] from `crossing_links`; share float64[runs] sums
    to 1. No run exceeds its share by more than 2 x `slack` of it and one item.
    """
    before = np.concatenate([[0], np.cumsum(weights)]).astype(np.float64)
    ideal = np.cumsum(share) * before[-1]
    size = share * before[-1]
    borders = [0]
    for run in range(len(share) - 1):
        near = slack * min(size[run], size[run + 1])
        borders.append(max(borders[-1], _best_border(before, crossings, ideal[run], near)))
    runs = np.zeros(len(weights) + 1, dtype=np.int64)
    np.add.at(runs, borders[1:], 1)
    return np.cumsum(runs)[:-1]


def _best_border(before: F64, crossings: I64, ideal: float, slack: float) -> int:
    low = int(np.searchsorted(before, ideal - slack, side="left"))
    high = int(np.searchsorted(before, ideal + slack, side="right"))
    if low < high:
        distance = np.abs(before[low:high] - ideal)
        return low + int(np.lexsort((distance, crossings[low:high]))[0])
    # no border in the window: the item that the ideal place lies in goes to the side with more of it
    return high if before[min(high, len(before) - 1)] - ideal <= ideal - before[high - 1] else high - 1
