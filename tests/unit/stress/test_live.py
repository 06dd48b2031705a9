"""What a run shows while it goes on."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stress import live
from stress.runner import Watch


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(**changes: Any) -> Watch:
    found = {
        "phase": "steps", "end": 60.0, "clock": lambda: 12.0, "schedule": range(500),
        "done": lambda: 120, "errors": lambda: 3, "observers": SimpleNamespace(wrong=lambda: 2),
    }  # fmt: skip
    return cast("Watch", SimpleNamespace(**(found | changes)))


def test_a_pipe_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 1000, 2))
    monkeypatch.setattr(live.time, "monotonic", lambda: float(next(moments)))
    out = io.StringIO()
    with live.shown("churn", out) as look:
        for _ in range(6):
            look(watch())
    lines = out.getvalue().splitlines()
    assert 1 <= len(lines) < 6
    assert "phase steps, time 12/60 s, operations 120/500" in lines[0]
    assert "errors 3, failing probes 2" in lines[0]


def test_a_terminal_gets_a_table() -> None:
    out = Terminal()
    with live.shown("churn", out) as look:
        look(watch())
        look(watch(observers=None))
    assert "failing probes" in out.getvalue()
