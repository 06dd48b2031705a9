"""Aligned blocks, in order, around what is reserved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from topologies.addressing.blocks import allocate, merged_ranges, power_of_two

ranges = st.tuples(st.integers(0, 200), st.integers(1, 40)).map(lambda r: (r[0], r[0] + r[1]))


def test_powers_of_two() -> None:
    assert [power_of_two(n) for n in (0, 1, 2, 3, 4, 5, 1000)] == [1, 1, 2, 4, 4, 8, 1024]


def test_ranges_merge_where_they_touch() -> None:
    assert merged_ranges([(5, 7), (0, 2), (2, 3), (6, 9)]) == [(0, 3), (5, 9)]


def test_blocks_are_aligned_and_in_order() -> None:
    assert allocate([4, 8, 2, 2, 4]) == ([0, 8, 16, 18, 20], 24)


@given(
    st.lists(st.integers(0, 5).map(lambda n: 1 << n), max_size=20),
    st.lists(ranges, max_size=6),
    st.integers(0, 9),
)
def test_nothing_overlaps(sizes: list[int], reserved: list[tuple[int, int]], first: int) -> None:
    starts, end = allocate(sizes, reserved, first)
    assert starts == sorted(starts)
    assert end == (starts[-1] + sizes[-1] if sizes else first)
    assert all(start % size == 0 for start, size in zip(starts, sizes, strict=True))
    used = [
        number for start, size in zip(starts, sizes, strict=True) for number in range(start, start + size)
    ]
    assert len(set(used)) == len(used)
    assert min(used, default=first) >= first
    assert not set(used) & {number for low, high in reserved for number in range(low, high)}
