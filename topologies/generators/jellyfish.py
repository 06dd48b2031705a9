"""Jellyfish: top-of-rack switches joined as a random regular graph.

Singla, Hong, Popa, Godfrey: Jellyfish: Networking Data Centers Randomly, NSDI 2012: N switches of
k ports, r of them to other switches and k - r to hosts: N (k - r) hosts, N r / 2 links between
switches. The graph is drawn by the configuration model. Invalid links (self-loops and duplicates) are
repaired by swapping ends with random others, as in the paper's construction.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count, switch_graph
from topologies.graph_arrays import components
from topologies.rng import Stream
from topologies.topology import I64, Topology

_ROUNDS = 200
"""Rounds of repair before a new draw: tiny graphs can get stuck."""


class Params(GeneratorParams):
    """Keys of `generator: jellyfish`."""

    generator: Literal["jellyfish"] = "jellyfish"
    switches: Annotated[Count, Field(description="Switches (N)")] = 20
    ports: Annotated[int, Field(ge=1, le=10**6, description="Ports of each switch (k)")] = 6
    degree: Annotated[int, Field(ge=1, le=10**6, description="Ports to other switches (r)")] = 4

    @model_validator(mode="after")
    def _realisable(self) -> Params:
        n, r = self.switches, self.degree
        if r > self.ports:
            raise ValueError(f"`degree` can't be more than `ports`: write at most {self.ports}, got {r}")
        if r >= n:
            raise ValueError(f"`degree` must be less than `switches`: write at most {n - 1}, got {r}")
        if n * r % 2:
            raise ValueError(
                f"`switches` x `degree` must be even (each link has two ends), got {n} x {r}; "
                f"write {n + 1} switches or a `degree` of {r + 1 if r + 1 < n else r - 1}"
            )
        if r == 1 and n > 2:
            raise ValueError("with a `degree` of 1 only two switches can be joined; write at least 2")
        return self

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.switches * (1 + self.ports - self.degree)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.switches * self.degree // 2 + self.switches * (self.ports - self.degree)


def generate(params: Params, context: Context) -> Topology:
    """Return the graph: switches s1…, hosts h1… in their order."""
    ends = connected_regular(context.random, params.switches, params.degree)
    return switch_graph(params.switches, ends, params.ports - params.degree)


def connected_regular(stream: Stream, n: int, degree: int) -> I64:
    """Return the links (int64[n degree / 2, 2]) of a connected random graph where each node has `degree`.

    n x degree must be even, and degree less than n, and more than 1 unless n is 2.
    """
    if degree == 2 and n > 2:  # the connected graphs of degree 2 are the rings
        ring = stream.shuffled(np.arange(n))
        return np.stack([ring, np.roll(ring, -1)], axis=1)
    if degree > (n - 1) // 2:  # dense: always connected, and its complement is easier to draw
        return _complement(n, _regular(stream, n, n - 1 - degree))
    while True:  # of degree 3 or more: almost every draw is connected (Bollobás: Random Graphs, 7.6)
        ends = _regular(stream, n, degree)
        if not components(ends[:, 0], ends[:, 1], n).any():
            return ends


def _complement(n: int, ends: I64) -> I64:
    absent = np.triu(np.ones((n, n), dtype=bool), 1)
    absent[ends.min(axis=1), ends.max(axis=1)] = False
    return np.argwhere(absent)


def _regular(stream: Stream, n: int, degree: int) -> I64:
    """Return the links of a random simple graph where each node has `degree` <= (n - 1) / 2."""
    while True:
        ends = stream.shuffled(np.repeat(np.arange(n), degree)).reshape(-1, 2)
        known, first = np.unique(_key(n, ends), return_index=True)
        fine = np.zeros(len(ends), dtype=bool)
        fine[first] = True
        wrong = np.flatnonzero(~fine | (ends[:, 0] == ends[:, 1]))
        for _ in range(_ROUNDS):
            if not wrong.size:
                return ends
            wrong, known = _swap(stream, n, ends, wrong, known)


def _key(n: int, ends: I64) -> I64:
    """Return a number that equal links share, in either direction: int64[m]."""
    key: I64 = ends.min(axis=1) * n + ends.max(axis=1)
    return key


def _among(values: I64, known: I64) -> npt.NDArray[np.bool_]:
    """Return the mask of `values` that are in the sorted `known`."""
    return np.equal(known[np.minimum(np.searchsorted(known, values), len(known) - 1)], values)


def _swap(stream: Stream, n: int, ends: I64, wrong: I64, known: I64) -> tuple[I64, I64]:
    """Replace links a-b of `wrong` and random others c-d by a-c and b-d, where both are new; in place.

    `known` holds the keys of all present and former links, ascending. Returns both for the next round.
    """
    others, first = np.unique(stream.integers(len(ends), len(wrong)), return_index=True)
    mended = wrong[first]
    apart = ~_among(others, wrong)
    mended, others = mended[apart], others[apart]
    a, b, c, d = ends[mended, 0], ends[mended, 1], ends[others, 0], ends[others, 1]
    made = np.stack([a, c, b, d], axis=1).reshape(-1, 2)  # rows 2i and 2i + 1 replace the i-th two
    key = _key(n, made)
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    new = (made[:, 0] != made[:, 1]) & (count[inverse] == 1) & ~_among(key, known)
    both = new.reshape(-1, 2).all(axis=1)
    ends[mended[both]], ends[others[both]] = made[0::2][both], made[1::2][both]
    added = np.sort(key[np.repeat(both, 2)])
    known = np.sort(np.concatenate([known, added]), kind="stable")  # two sorted runs: merged
    return wrong[~_among(wrong, np.sort(mended[both]))] if both.any() else wrong, known
