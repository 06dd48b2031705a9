"""Names of two topologies compared in columns, against the names themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from topologies.names import NameBlock, NameList, Names
from topologies.same_names import same_names

PARTS = st.sampled_from([("v", "s", "p"), ("v", "s", "q"), ("p", "1x", "2"), ("v", "", "p"), ("h", "1")])
BLOCKS = st.one_of(
    st.builds(
        lambda parts, shape, first: NameBlock(parts, shape[: len(parts)], first),
        PARTS,
        st.tuples(*[st.integers(1, 12)] * 3),
        st.integers(0, 1),
    ),
    st.builds(
        NameList, st.lists(st.sampled_from(["v1s1p1", "h11", "h111", "v11p1", "x"]), max_size=4).map(tuple)
    ),
)
NAMES = st.lists(BLOCKS, min_size=1, max_size=3).map(lambda blocks: Names(tuple(blocks)))


@given(st.data(), NAMES, NAMES)
def test_names_are_the_same_when_their_texts_are(data: st.DataObject, one: Names, other: Names) -> None:
    if not len(one) or not len(other):
        return
    rows = data.draw(st.lists(st.tuples(st.integers(0, len(one) - 1), st.integers(0, len(other) - 1))))
    nodes, others = (np.array([row[side] for row in rows], dtype=np.int64) for side in (0, 1))
    assert same_names(one, nodes, other, others).tolist() == [one[a] == other[b] for a, b in rows]


def test_ports_of_a_subnet_that_grew_keep_their_names() -> None:
    small, large = (Names((NameBlock(("v", "s", "p"), (2, 1, count)),)) for count in (3, 5))
    found = same_names(small, np.arange(6), large, np.array([0, 1, 2, 5, 6, 7]))
    assert found.all()
    assert same_names(small, np.arange(6), large, np.arange(6)).tolist() == [True] * 3 + [False] * 3
