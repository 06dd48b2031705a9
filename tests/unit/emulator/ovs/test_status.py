"""The words of `status` about switches."""

from __future__ import annotations

import pytest

from emulator.ovs.status import not_connected


@pytest.mark.parametrize(
    ("lost", "total", "words"),
    [
        (1, 1, "1 of 1 switch isn't connected"),
        (1, 5, "1 of 5 switches isn't connected"),
        (1_200, 2_000, "1,200 of 2,000 switches aren't connected"),
    ],
)
def test_how_many_are_not_connected(lost: int, total: int, words: str) -> None:
    assert not_connected(lost, total) == words
