"""Merged prefixes cover the same addresses with the same numbers, and none could merge further."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emulator.forwarding.aggregation import Prefixes, Spaces, merged


def prefixes(rows: list[tuple[int, int, int, int]]) -> Prefixes:
    space, key, length, number = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Prefixes(
        np.array(space, dtype=np.int64),
        np.array(key, dtype=np.uint64),
        np.array(length, dtype=np.int64),
        np.array(number, dtype=np.int64),
    )


def rows(found: Prefixes) -> list[tuple[int, int, int, int]]:
    return sorted(zip(*(column.tolist() for column in found), strict=True))


def ipv4(base: int, length: int, number: int = 0) -> tuple[int, int, int, int]:
    return 0, base << 32, length, number


TEN = 10 << 24


def test_four_subnets_become_one() -> None:
    given_rows = [ipv4(TEN + 8 * at, 29) for at in range(4)]
    assert rows(merged(prefixes(given_rows))) == [ipv4(TEN, 27)]


def test_neighbours_that_are_no_halves_stay() -> None:
    given_rows = [ipv4(TEN + 8, 29), ipv4(TEN + 16, 29)]
    assert rows(merged(prefixes(given_rows))) == given_rows


def test_a_merged_half_merges_with_a_larger_one() -> None:
    given_rows = [ipv4(TEN, 30), ipv4(TEN + 4, 30), ipv4(TEN + 8, 29)]
    assert rows(merged(prefixes(given_rows))) == [ipv4(TEN, 28)]


def test_other_numbers_and_other_spaces_stay_apart() -> None:
    given_rows = [(0, 0, 1, 0), (0, 1 << 63, 1, 1), (1, 0, 1, 0), (2, 1 << 63, 1, 0)]
    assert rows(merged(prefixes(given_rows))) == given_rows


def test_nothing_is_nothing() -> None:
    assert rows(merged(prefixes([]))) == []


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), max_size=32), st.integers(0, 5))
def test_exact_and_minimal(blocks: list[tuple[int, int]], bits: int) -> None:
    """Blocks of 2^bits addresses in a row; each is there or not and has a number."""
    given_rows = [
        ipv4(TEN + (at << bits), 32 - bits, number) for at, (there, number) in enumerate(blocks) if there
    ]
    found = rows(merged(prefixes(given_rows)))
    covered: dict[int, int] = {}
    for _, key, length, number in found:
        base = key >> 32
        for address in range(base, base + (1 << (32 - length))):
            assert covered.setdefault(address, number) == number
    wanted = {
        address: number
        for _, key, length, number in given_rows
        for address in range(key >> 32, (key >> 32) + (1 << (32 - length)))
    }
    assert covered == wanted
    known = set(found)
    for space, key, length, number in found:
        assert (space, key ^ (1 << (64 - length)), length, number) not in known


@given(st.integers(0, 2**128 - 1), st.integers(0, 128))
def test_a_prefix_of_ipv6_survives_the_way_through_its_space(value: int, length: int) -> None:
    base = value >> (128 - length) << (128 - length)
    spaces = Spaces()
    found, lengths = spaces.addresses(prefixes([(*spaces.put(6, base, length), 0)]))
    assert (found.at(0), lengths.tolist()) == (base, [length])


def test_a_prefix_of_ipv4_survives_too() -> None:
    spaces = Spaces()
    found, lengths = spaces.addresses(prefixes([(*spaces.put(4, TEN, 8), 0)]))
    assert (found.at(0), lengths.tolist()) == (TEN, [8])
