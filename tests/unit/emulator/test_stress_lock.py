"""A network is under stress while the lock is held, and left over while there is a journal and no lock."""

from __future__ import annotations

from pathlib import Path

from emulator.locks import is_held, locked
from emulator.stress_lock import JOURNAL, LOCK, left_over, under_stress


def test_a_journal_without_a_lock_is_what_a_killed_run_leaves(tmp_path: Path) -> None:
    folder = tmp_path / "dc"
    with locked(folder / LOCK, wait=False):
        (folder / JOURNAL).touch()
        assert under_stress(folder)
        assert left_over(folder) == []
    assert not under_stress(folder)
    assert "--recover --net dc" in left_over(folder)[0]
    (folder / JOURNAL).unlink()
    assert left_over(folder) == []


def test_to_ask_whether_a_lock_is_held_makes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []
