"""Make a placement fit: what is too much for a worker moves to those with room.

Whole units move first, to the worker they have most links to among those with room; only where no
worker has room for a whole unit do its hosts part from their switch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emulator.placement.units import Units, total
from emulator.placement.worker import UNLIMITED, Capacity
from topologies.topology import I64


@dataclass
class _Room:
    """What each worker can still take: memory (bytes) and nodes, int64[w]; negative is too much."""

    memory: I64
    nodes: I64

    def take(self, worker: int, memory: int, nodes: int) -> None:
        """Put something on `worker`; negative takes it away."""
        self.memory[worker] -= memory
        self.nodes[worker] -= nodes

    def holds(self, memory: int, nodes: int) -> I64:
        """Return the workers with room for that, ascending."""
        return np.flatnonzero((self.memory >= memory) & (self.nodes >= nodes))

    @property
    def is_none(self) -> bool:
        """Whether all workers together hold too much."""
        return bool(self.memory.sum(dtype=np.float64) < 0 or self.nodes.sum(dtype=np.float64) < 0)

    @property
    def overfull(self) -> I64:
        """The workers that hold too much, ascending."""
        return np.flatnonzero((self.memory < 0) | (self.nodes < 0))


def fit(worker: I64, units: Units, memory: I64, capacity: Capacity) -> I64:
    """Return the worker of each node (int64[n]) so that no worker is overfull, if that can be.

    worker int64[u] says where each unit was put; memory int64[n] what each node needs, in bytes. When
    all workers together are too small, everything stays where it was put, for the refusal to count.
    """
    count = capacity.count
    room = _Room(
        capacity.memory - total(worker, units.memory, count),
        capacity.nodes - total(worker, units.nodes, count),
    )
    placed = worker[units.of_node]
    if not len(room.overfull) or room.is_none:
        return placed
    homeless = _shed(worker, units, room)
    moved = worker.copy()
    moved[homeless] = -1
    beside = _Beside(units)
    whole = sorted(homeless, key=lambda unit: (-int(units.memory[unit]), unit))
    split = [unit for unit in whole if not _rehouse(unit, moved, units, room, beside)]
    placed = moved[units.of_node]
    members = _Members(units)
    for unit in split:
        _part(members.of(unit), int(worker[unit]), placed, memory, room)
    return placed


def _shed(worker: I64, units: Units, room: _Room) -> list[int]:
    """Take units off the overfull workers until they are so no more, and return them.

    The last ones go first: a run loses its end, not holes in its middle.
    """
    out = []
    for at in room.overfull.tolist():
        for unit in np.flatnonzero(worker == at)[::-1].tolist():
            if room.memory[at] >= 0 and room.nodes[at] >= 0:
                break
            room.take(at, -int(units.memory[unit]), -int(units.nodes[unit]))
            out.append(unit)
    return out


class _Beside:
    """Which units each unit is linked to, found when asked for."""

    def __init__(self, units: Units) -> None:
        self._units = units
        flat = units.pairs.ravel()
        self._order = np.argsort(flat, kind="stable")
        self._start = np.searchsorted(flat[self._order], np.arange(units.count + 1))

    def links(self, unit: int, worker: I64, count: int) -> I64:
        """Return how many links `unit` has to each worker: int64[count]."""
        slots = self._order[self._start[unit] : self._start[unit + 1]]
        others = self._units.pairs.ravel()[slots ^ 1]
        at = worker[others]
        known = at >= 0
        return total(at[known], self._units.links[slots[known] // 2], count)


def _rehouse(unit: int, worker: I64, units: Units, room: _Room, beside: _Beside) -> bool:
    """Put a unit on the worker with room that it has most links to; return whether there is one."""
    need = int(units.memory[unit]), int(units.nodes[unit])
    able = room.holds(*need)
    if not len(able):
        return False
    links = beside.links(unit, worker, len(room.memory))[able]
    best = int(able[np.lexsort((able, -_room_share(room, able), -links))[0]])
    worker[unit] = best
    room.take(best, *need)
    return True


def _room_share(room: _Room, workers: I64) -> I64:
    limit = UNLIMITED // 2
    return np.where(room.memory[workers] < limit, room.memory[workers], room.nodes[workers])


class _Members:
    """The nodes of each unit, ascending."""

    def __init__(self, units: Units) -> None:
        self._order = np.argsort(units.of_node, kind="stable")
        self._start = np.concatenate([[0], np.cumsum(units.nodes)])

    def of(self, unit: int) -> I64:
        """Return the nodes of `unit`."""
        return self._order[self._start[unit] : self._start[unit + 1]]


def _part(nodes: I64, home: int, placed: I64, memory: I64, room: _Room) -> None:
    """Put the nodes of one unit where room is: as many together as a worker takes; the rest back home."""
    for need in np.unique(memory[nodes])[::-1].tolist():
        left = nodes[memory[nodes] == need]
        for at in np.argsort(-_room_share(room, np.arange(len(room.memory))), kind="stable").tolist():
            if not len(left):
                break
            takes = min(len(left), room.nodes[at], room.memory[at] // need if need else len(left))
            takes = max(int(takes), 0)
            placed[left[:takes]] = at
            room.take(at, takes * need, takes)
            left = left[takes:]
        placed[left] = home
        room.take(home, len(left) * need, len(left))
