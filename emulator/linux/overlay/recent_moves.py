"""Ports that moved a moment ago: packets to their former places may still be under way."""

from __future__ import annotations

import time

import numpy as np

from emulator.linux.overlay.maps import UNDER_WAY
from emulator.linux.overlay.port_table import PortTable


class RecentMoves:
    """Remembers when the ports in `table` moved, until their former places are forgotten."""

    def __init__(self, table: PortTable) -> None:
        self._table = table
        self._moves: list[tuple[float, int]] = []

    def note(self, slot: int) -> None:
        """Note that the port in `slot` moves now; forget the former places of those that moved long ago."""
        self._moves.append((time.monotonic(), slot))
        self.settle(UNDER_WAY)

    def forget(self, slot: int) -> None:
        """Forget that the port in `slot` moved: what is noted for it is no former place any more."""
        self._moves = [move for move in self._moves if move[1] != slot]

    def settle(self, age: float = 0.0) -> None:
        """Forget the former places of ports that moved at least `age` seconds ago, and not again since."""
        until = time.monotonic() - age
        done = [slot for at, slot in self._moves if at <= until]
        del self._moves[: len(done)]
        late = {slot for _, slot in self._moves}
        self._table.settle(np.array(sorted({*done} - late), dtype=np.int64))
