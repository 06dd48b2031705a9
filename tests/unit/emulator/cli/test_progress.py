"""The bar of a terminal is drawn without threads, and only for what takes long."""

from __future__ import annotations

import io
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


def test_what_is_quick_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    error = terminal(monkeypatch)
    with progress.shown("up net") as update:
        update("nodes", 3, 3)
    assert error.getvalue() == ""
