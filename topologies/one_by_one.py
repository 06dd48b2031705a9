"""Single nodes out of columns that are computed for many."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

_TOGETHER = 1024
_KEPT = 64


class OneByOne(Generic[T]):
    """Gives the columns that hold a node, which are computed for 1,024 neighbours in number at a time.

    So one node of a million costs little, and many one after the other cost what they cost together.
    `compute(nodes)` returns the columns of `nodes`: int64[q], ascending.
    """

    def __init__(self, compute: Callable[[npt.NDArray[np.int64]], T], node_count: int) -> None:
        def block(number: int) -> T:
            first = number * _TOGETHER
            return compute(np.arange(first, min(first + _TOGETHER, node_count)))

        self._block = lru_cache(_KEPT)(block)

    def at(self, node: int) -> tuple[T, int]:
        """Return the columns that hold `node`, and its position in them."""
        number, position = divmod(node, _TOGETHER)
        return self._block(number), position
