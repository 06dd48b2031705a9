"""One of a thing is one thing."""

from __future__ import annotations

import pytest

from topologies.counting import counted, plural


@pytest.mark.parametrize(
    ("count", "word", "words"),
    [
        (1, "link", "1 link"), (0, "link", "0 links"), (2, "link", "2 links"), (1024, "host", "1,024 hosts"),
        (1, "switch", "1 switch"), (3, "switch", "3 switches"), (2, "address", "2 addresses"),
        (2, "free address", "2 free addresses"), (2, "way", "2 ways"), (2, "entry", "2 entries"),
    ],
)  # fmt: skip
def test_counted(count: int, word: str, words: str) -> None:
    assert counted(count, word) == words


def test_the_word_alone() -> None:
    assert [plural("box", n) for n in (0, 1, 2)] == ["boxes", "box", "boxes"]
