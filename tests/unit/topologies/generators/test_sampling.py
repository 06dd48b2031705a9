from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from topologies.generators.sampling import _pair_at, joining, pairs_by_chance
from topologies.rng import Stream

NO_LINKS = np.empty((0, 2), dtype=np.int64)


def test_pairs_are_listed_in_order() -> None:
    assert _pair_at(np.arange(6)).tolist() == [[1, 0], [2, 0], [2, 1], [3, 0], [3, 1], [3, 2]]


@pytest.mark.parametrize("v", [2**24 - 2, 2**20 + 1, 94_906_267 // 8])
def test_pairs_far_out_are_exact(v: int) -> None:
    first = v * (v - 1) // 2
    at = np.array([first - 1, first, first + v - 1, first + v])
    assert _pair_at(at).tolist() == [[v - 1, v - 2], [v, 0], [v, v - 1], [v + 1, 0]]


def test_all_pairs_with_chance_one() -> None:
    pairs = np.concatenate(list(pairs_by_chance(Stream(0), 50, 1.0)))
    assert len({tuple(pair) for pair in pairs.tolist()}) == 50 * 49 // 2


@pytest.mark.parametrize(("n", "p"), [(0, 0.5), (1, 0.5), (10, 0.0), (10, 1e-300), (10, 2e-311)])
def test_no_pairs(n: int, p: float) -> None:
    assert sum(len(pairs) for pairs in pairs_by_chance(Stream(0), n, p)) == 0


def test_every_pair_has_the_same_chance() -> None:
    """1,000 graphs of 5 nodes: each of the 10 pairs some 300 times (standard deviation 14.5)."""
    stream, taken = Stream(0), np.zeros((5, 5), dtype=np.int64)
    for _ in range(1000):
        for pairs in pairs_by_chance(stream, 5, 0.3):
            taken[pairs[:, 0], pairs[:, 1]] += 1
    counts = taken[np.tril_indices(5, -1)]
    assert np.abs(counts - 300).max() < 5 * 14.5


def test_joining_nothing_but_lonely_nodes() -> None:
    ends = joining(Stream(0), 50, NO_LINKS)
    assert nx.is_tree(nx.Graph(ends.tolist()))
    assert len(ends) == 49


def test_joining_what_is_whole_adds_nothing() -> None:
    assert joining(Stream(0), 3, np.array([[0, 1], [1, 2]])).shape == (0, 2)


def test_joining_prefers_the_giant() -> None:
    """A star of 1,000 and 20 lonely nodes: nearly all are joined to the star."""
    star = np.stack([np.zeros(999, dtype=np.int64), np.arange(1, 1000)], axis=1)
    ends = joining(Stream(0), 1020, star)
    assert len(ends) == 20
    assert np.count_nonzero(ends[:, 0] < 1000) >= 17
