"""Live view of a run: a table on a terminal, a line every five seconds when piped."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

import psutil

from stress.metrics.format import format_value
from stress.rolling_latency import RollingLatency, workers_of
from stress.runner import RunStatus

if TYPE_CHECKING:
    from rich.table import Table

_LINE_EVERY = 5.0
_LOOKS = 10
"""Number of looks whose latencies a table shows: two seconds. A line shows those since the last line."""
_SHARES = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))


@contextmanager
def shown(name: str, stream: TextIO | None = None) -> Iterator[Callable[[RunStatus], None]]:
    """Yield the function that the runner calls five times a second; `stream` is standard error.

    When the reader goes away, the run continues without a live view.
    """
    out = cast("TextIO", _Lasting(stream or sys.stderr))
    if out.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(file=out), transient=True, auto_refresh=False) as live:
            pace = _Pace(_LOOKS)
            yield lambda watch: live.update(_table(name, facts(watch, pace)), refresh=True)
        return
    pace, last = _Pace(1), [time.monotonic()]

    def line(watch: RunStatus) -> None:
        now = time.monotonic()
        if now - last[0] >= _LINE_EVERY:
            last[0] = now
            words = ", ".join(f"{key} {value}" for key, value in facts(watch, pace).items())
            print(f"{name}: {words}", file=out, flush=True)

    yield line


class _Lasting:
    """Stream that is silent once its terminal or reader has gone (EIO, EPIPE)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, unless the reader has gone."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, unless the reader has gone."""
        self._try(self._stream.flush)

    def _try(self, do: Callable[[], object]) -> None:
        if not self._gone:
            try:
                do()
            except OSError:
                self._gone = True


class _Pace:
    """Operations per second since the last look, and their latencies."""

    def __init__(self, looks: int) -> None:
        self._at = time.monotonic()
        self._done = 0
        self._rate = 0.0
        self._recent = RollingLatency(looks)
        psutil.cpu_percent()  # the first answer is about the time since this call

    def rate(self, done: int) -> float:
        now = time.monotonic()
        if now - self._at >= 1.0:
            self._rate = (done - self._done) / (now - self._at)
            self._at, self._done = now, done
        return self._rate

    def latencies(self, watch: RunStatus) -> dict[str, str]:
        """Return the latest latencies as text; nothing without operations."""
        workers = workers_of(watch)
        if not workers:
            return {}
        self._recent.update(workers)
        found = self._recent.latest()
        if not found.count:
            return {}
        return {f"latency {name}": format_value(found.quantile(share), "seconds") for name, share in _SHARES}


def facts(watch: RunStatus, pace: _Pace) -> dict[str, str]:
    """Return the current values to show, as text."""
    done, total = watch.done(), len(watch.schedule)
    found = {
        "phase": watch.phase,
        "time": f"{math.floor(watch.clock())}/{math.ceil(watch.end)} s",
        "operations": f"{done:,}/{total:,}",
        "per second": f"{pace.rate(done):,.0f}",
        "errors": f"{watch.errors():,}",
        **pace.latencies(watch),
    }
    if watch.observers is not None:
        found["failing probes"] = f"{watch.observers.wrong():,}"
    memory = psutil.virtual_memory()
    return found | {
        "CPU": f"{psutil.cpu_percent():.0f} %",
        "memory": f"{(memory.total - memory.available) / 2**30:.1f} of {memory.total / 2**30:.1f} GiB",
    }


def _table(name: str, values: dict[str, str]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.title = name
    table.title_justify = "left"
    for key, value in values.items():
        bad = key in {"errors", "failing probes"} and value != "0"
        table.add_row(f"[dim]{key}", f"[bold red]{value}" if bad else value)
    return table
