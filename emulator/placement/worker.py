"""`Worker`: a machine that a plan puts nodes on, as far as placement cares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from topologies.topology import F64, I64

UNLIMITED = np.iinfo(np.int64).max // 4
"""A limit that nothing reaches; a quarter of the range, so that sums of a few stay in it."""


@dataclass(frozen=True)
class Worker:
    """A machine: `memory` in bytes and `nodes` are the most it can hold, None is "enough"."""

    name: str
    memory: int | None = None
    nodes: int | None = None


def numbered(count: int, memory: int | None = None) -> tuple[Worker, ...]:
    """Return `count` equal workers: w1, w2 and so on."""
    return tuple(Worker(f"w{number}", memory) for number in range(1, count + 1))


@dataclass(frozen=True)
class Capacity:
    """Capacity of workers: `memory` and `nodes` int64[w]; `share` float64[w], what each should hold."""

    memory: I64
    nodes: I64
    share: F64

    @property
    def count(self) -> int:
        """Number of workers."""
        return len(self.share)


def capacity(workers: Sequence[Worker]) -> Capacity:
    """Return the capacity of `workers`.

    Shares are by memory where every worker states it, else by nodes where every one states them,
    else equal; they sum to 1.
    """
    memory = np.array([UNLIMITED if w.memory is None else w.memory for w in workers], dtype=np.int64)
    nodes = np.array([UNLIMITED if w.nodes is None else w.nodes for w in workers], dtype=np.int64)
    stated = next((limit for limit in (memory, nodes) if (limit < UNLIMITED).all() and limit.sum()), None)
    size = np.ones(len(workers)) if stated is None else stated.astype(np.float64)
    return Capacity(memory, nodes, size / size.sum())
