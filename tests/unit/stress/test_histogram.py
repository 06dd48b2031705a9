import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.histogram import Histogram

durations = st.lists(st.floats(0.0, 20_000.0), min_size=1, max_size=300)
shares = st.floats(0.0, 1.0)


def exact(values: list[float], share: float) -> float:
    """The smallest recorded value that at least `share` of all are not above."""
    rank = max(1, math.ceil(share * len(values) - 1e-9))
    return sorted(values)[rank - 1]


@given(durations, shares)
def test_quantiles_have_three_digits(values: list[float], share: float) -> None:
    found, true = Histogram(values).quantile(share), exact(values, share)
    assert true - 1e-9 <= found <= true * (1 + 1 / 1024) + 1e-9


@given(durations)
def test_the_ends_are_exact(values: list[float]) -> None:
    histogram = Histogram(values)
    assert histogram.min == min(values)
    assert histogram.max == max(values)
    assert histogram.quantile(1.0) == max(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values))


@given(durations, durations)
def test_merging_is_counting_both(one: list[float], other: list[float]) -> None:
    merged, both = Histogram(one), Histogram(one + other)
    merged.merge(Histogram(other))
    assert merged.buckets() == both.buckets()
    assert merged.summary() == pytest.approx(both.summary())


@given(durations)
def test_one_by_one_is_all_at_once(values: list[float]) -> None:
    single = Histogram()
    for value in values:
        single.add(value)
    assert single.buckets() == Histogram(values).buckets()
    assert single.count == len(values)


@given(durations)
def test_buckets_give_the_histogram_back(values: list[float]) -> None:
    histogram = Histogram(values)
    again = Histogram.of_buckets(histogram.buckets())
    assert again.buckets() == histogram.buckets()
    assert again.quantile(0.9) == pytest.approx(histogram.quantile(0.9), rel=1 / 1024, abs=1e-9)


def test_a_million_values_take_no_more_memory_than_two() -> None:
    few, many = Histogram([1e-6, 30.0]), Histogram(np.random.default_rng(1).lognormal(-7, 2, 1_000_000))
    assert few._counts.nbytes == many._counts.nbytes < 300_000
    assert many.count == 1_000_000


def test_beyond_the_range_is_the_last_bucket_and_below_zero_the_first() -> None:
    histogram = Histogram([-1.0, 1e9])
    assert histogram.min == 0.0
    assert histogram.max == 1e9
    assert [count for _, count in histogram.buckets()] == [1, 1]


def test_empty_says_so() -> None:
    assert Histogram().summary() == {"count": 0}
    assert math.isnan(Histogram().quantile(0.5))
    assert Histogram().curve() == []


def test_the_curve_rises_to_the_maximum() -> None:
    curve = Histogram([k / 1000 for k in range(1, 1001)]).curve(30)
    assert [share for share, _ in curve] == sorted(share for share, _ in curve)
    assert [value for _, value in curve] == sorted(value for _, value in curve)
    assert curve[-1] == (1.0, 1.0)
    assert curve[0] == (0.0, pytest.approx(0.001))
