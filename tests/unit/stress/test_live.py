"""What a run shows while it goes on."""

from __future__ import annotations

import errno
import io
import os
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from stress import live
from stress.rolling_latency import RollingLatency
from stress.runner import RunStatus
from stress.runner.columns import Columns


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(**changes: Any) -> RunStatus:
    found = {
        "phase": "steps", "end": 59.5, "clock": lambda: 12.6, "schedule": range(500),
        "done": lambda: 120, "errors": lambda: 3, "observers": SimpleNamespace(wrong=lambda: 2),
        "workers": (), "finished": (),
    }  # fmt: skip
    return cast("RunStatus", SimpleNamespace(**(found | changes)))


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


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_who_reads_no_more_does_not_end_the_run(
    kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(0, 10_000, 10))
    monkeypatch.setattr(live.time, "monotonic", lambda: float(next(moments)))

    class Gone(kind):  # type: ignore[misc, valid-type]
        gone = tried = 0

        def write(self, text: str) -> int:
            self.tried += self.gone
            if self.gone:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().write(text)  # type: ignore[no-any-return]

    out = Gone()
    with live.shown("churn", out) as look:
        look(watch())
        out.gone = 1
        for _ in range(3):
            look(watch())
    assert out.tried == 1
    assert "120/500" in out.getvalue()


def worker(*latencies: float, failed: int | None = None) -> SimpleNamespace:
    """A worker whose operations were due every tenth of a second."""
    numbers = np.arange(len(latencies))
    columns = Columns(numbers, numbers / 10)
    for k, seconds in enumerate(latencies):
        columns.finished[k] = k / 10 + seconds
        if k == failed:
            columns.failed(k, "No such device")
    columns.done = len(latencies)
    return SimpleNamespace(columns=columns, measures=True)


def test_latencies_are_those_of_what_was_just_done() -> None:
    recent = RollingLatency(2)
    one, two = worker(0.001, 0.002, 9.0, 0.003, failed=2).columns, worker(0.004).columns
    one.done = 2
    recent.update([one])
    assert recent.latest().max == pytest.approx(0.002)
    one.done = 4
    recent.update([one, two])
    assert (recent.latest().count, recent.latest().max) == (4, pytest.approx(0.004))
    recent.update([one, two])
    recent.update([one, two])
    assert recent.latest().count == 0
    assert recent.all.count == 4


def test_latencies_are_shown() -> None:
    found = live._Pace(1).latencies(watch(workers=[worker(0.001, 0.002)], finished=[]))
    assert found == {"latency p50": "1 ms", "latency p99": "2 ms", "latency max": "2 ms"}


def test_a_terminal_gets_a_table() -> None:
    out = Terminal()
    with live.shown("churn", out) as look:
        look(watch())
        look(watch(observers=None))
    assert "failing probes" in out.getvalue()
