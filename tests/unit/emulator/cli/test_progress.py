"""The bar of a terminal is drawn without threads, and only for what takes long."""

from __future__ import annotations

import io
import re
import threading

import pytest

from emulator.cli import progress


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal; not as a fixture, after which pytest puts its own there."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    return made


def test_no_thread_draws_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    error = terminal(monkeypatch)
    monkeypatch.setattr(progress, "_SILENT_FOR", 0.0)
    before = threading.active_count()
    with progress.shown("up net") as update:
        update("nodes", 1, 3)
        assert threading.active_count() == before  # a thread would keep us in the network's mounts
        update("nodes", 3, 3)
    assert "1/3" in error.getvalue()
    assert "3/3" in error.getvalue()


@pytest.mark.parametrize("on_terminal", [True, False])
def test_no_time_is_left_from_one_node_or_from_another_phase(
    monkeypatch: pytest.MonkeyPatch, *, on_terminal: bool
) -> None:
    now = [0.0]
    error = terminal(monkeypatch) if on_terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", error)
    for name in ("_SILENT_FOR", "_LINE_EVERY", "_DRAW_EVERY"):
        monkeypatch.setattr(progress, name, 0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def said(phase: str, done: int, seconds: float) -> list[str]:
        now[0] += seconds
        before = len(error.getvalue())
        update(phase, done, 100)
        return re.findall(r"[\d.]+ s left", error.getvalue()[before:])

    with progress.shown("up net") as update:
        assert said("nodes", 0, 0) == []
        assert said("nodes", 1, 30) == []  # the first node: it may have waited for a lock
        assert said("nodes", 11, 3) == ["267 s left"]
        assert said("nodes", 11, 200) == []
        assert said("links", 11, 0) == []  # its pace is another one
        assert said("links", 12, 1) == []
        assert said("links", 13, 1) == ["87 s left"]


def test_what_is_quick_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    error = terminal(monkeypatch)
    with progress.shown("up net") as update:
        update("nodes", 3, 3)
    assert error.getvalue() == ""
