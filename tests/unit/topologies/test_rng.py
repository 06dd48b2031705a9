from __future__ import annotations

import numpy as np
import pytest

from topologies.rng import Stream


def started(state: int) -> Stream:
    stream = Stream(0)
    stream._state = state
    return stream


def test_reference_values_of_splitmix64() -> None:
    """The first outputs for state 0 and 1234567, as in the reference implementation (prng.di.unimi.it)."""
    assert [hex(int(x)) for x in started(0).bits(3)] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]
    assert started(1234567).bits(2).tolist() == [6457827717110365317, 3203168211198807973]


def test_the_stream_of_a_seed_stays_the_same_for_ever() -> None:
    assert Stream(7, "topology").bits(2).tolist() == [7911151521340022718, 2606900972690434818]


def test_parts_of_a_stream_join() -> None:
    one, two = Stream(1, "a"), Stream(1, "a")
    assert one.bits(10).tolist() == [*two.bits(3).tolist(), *two.bits(7).tolist()]


@pytest.mark.parametrize("other", [Stream(2, "a"), Stream(1, "b"), Stream(1), Stream(1, "a", "b")])
def test_other_names_give_other_numbers(other: Stream) -> None:
    assert not set(Stream(1, "a").bits(100).tolist()) & set(other.bits(100).tolist())


def test_words_do_not_run_together() -> None:
    assert Stream(1, "ab", "c").bits(1) != Stream(1, "a", "bc").bits(1)


def test_floats_are_uniform() -> None:
    values = Stream(3).random(100_000)
    assert values.min() >= 0
    assert values.max() < 1
    assert values.mean() == pytest.approx(0.5, abs=0.005)
    assert np.histogram(values, bins=10, range=(0, 1))[0] == pytest.approx([10_000] * 10, rel=0.05)


def test_integers_cover_their_range() -> None:
    values = Stream(3).integers(7, 10_000)
    assert np.bincount(values, minlength=7) == pytest.approx([10_000 / 7] * 7, rel=0.1)
    assert set(values.tolist()) == set(range(7))


def test_shuffled_is_a_permutation_and_leaves_the_array() -> None:
    array = np.arange(100)
    shuffled = Stream(1).shuffled(array)
    assert sorted(shuffled.tolist()) == array.tolist() == list(range(100))
    assert shuffled.tolist() != array.tolist()


def test_all_orders_are_as_likely() -> None:
    stream = Stream(5)
    orders = ["".join(map(str, stream.shuffled(np.arange(3)))) for _ in range(6000)]
    assert [orders.count(order) for order in sorted(set(orders))] == pytest.approx([1000] * 6, rel=0.15)
