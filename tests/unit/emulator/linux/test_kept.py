from __future__ import annotations

from emulator.linux.kept import Kept


def test_the_one_that_was_not_used_for_longest_makes_room() -> None:
    closed: list[int] = []
    with Kept(lambda node: node * 10, closed.append, most=2) as kept:
        assert [kept(1), kept(2), kept(1), kept(3)] == [10, 20, 10, 30]
        assert closed == [20]
        assert kept.full
        kept.forget(1)
        kept.forget(1)
        assert closed == [20, 10]
        assert not kept.full
    assert closed == [20, 10, 30]


def test_what_is_kept_is_made_once() -> None:
    made: list[int] = []
    with Kept(lambda node: made.append(node) or str(node), lambda _: None, most=4) as kept:  # type: ignore[func-returns-value]
        assert [kept(7), kept(7)] == ["7", "7"]
    assert made == [7]
