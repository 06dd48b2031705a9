"""The clocks of workers: the quickest round trip counts, and half of it bounds the error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.engines.cluster.clocks import Trip, clock_of

delays = st.floats(0.0001, 0.5)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(delays, delays), min_size=1, max_size=9))
def test_the_error_bounds_how_wrong_it_is_however_unequal_the_ways(
    ahead: float, ways: list[tuple[float, float]]
) -> None:
    now, trips = 1000.0, []
    for there, back in ways:
        trips.append(Trip(now, now + there + ahead, now + there + back))
        now += 1.0
    found = clock_of(trips)
    assert abs(found.ahead - ahead) <= found.error + 1e-6
    assert abs(found.error - min(there + back for there, back in ways) / 2) < 1e-6


def test_equal_ways_are_exact() -> None:
    found = clock_of([Trip(1.0, 51.5, 2.0), Trip(3.0, 53.25, 3.5)])
    assert found == (50.0, 0.25)
