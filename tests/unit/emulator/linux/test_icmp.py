"""How many hosts ask at a time."""

from __future__ import annotations

import pytest

from emulator.linux.icmp import AT_ONCE, at_once


@pytest.mark.parametrize(
    ("ends", "most"), [(0, AT_ONCE), (100, AT_ONCE), (2_112, 142), (20_656, 14), (10**7, 8)]
)
def test_fewer_ask_at_a_time_where_a_broadcast_reaches_more(ends: int, most: int) -> None:
    assert at_once(ends) == most
