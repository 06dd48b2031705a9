"""What moved between two runs, and what is only noise.

Latencies are compared by the bootstrap (Efron 1979): the operations of each run are drawn again with
replacement 400 times, and a quantile moved when the middle 95 % of the differences leaves out zero.
The operations stand in events.jsonl beside report.json; without them figures are shown and not judged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from topologies.rng import Stream

_ROUNDS = 400
_MOST = 20_000
_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One figure of both runs; `low` and `high` bound the difference b - a (95 %); None: not judged."""

    figure: str
    a: float
    b: float
    low: float | None = None
    high: float | None = None

    @property
    def moved(self) -> bool | None:
        """Whether the difference is more than noise; None when that can't be said."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        change = f"{(self.b / self.a - 1) * 100:+.1f} %" if self.a else "new" if self.b else "same"
        words = {True: "MOVED", False: "noise", None: ""}[self.moved]
        return f"{self.figure:32} {self.a:12.6g} {self.b:12.6g}  {change:>10}  {words}"


def compare(a: Path, b: Path) -> list[Row]:
    """Return the figures of two report.json files side by side; UsageError when one can't be read."""
    first, second = _report(a), _report(b)
    events = _events(a), _events(b)
    rows = []
    steps = {step["step"]: step for step in second["steps"]}
    for step in first["steps"]:
        other = steps.get(step["step"])
        if other is not None:
            rows += _step(step, other, events)
    for name in ("sent", "answered"):
        totals = [float(sum(probe[name] for probe in report["probes"])) for report in (first, second)]
        if any(totals):
            rows.append(Row(f"probe.{name}", *totals))
    return rows


def as_json(rows: list[Row]) -> dict[str, Any]:
    """Return the rows as plain data."""
    return {"figures": [{**asdict(row), "moved": row.moved} for row in rows]}


def _report(path: Path) -> dict[str, Any]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        if whole["version"] != 1:
            raise UsageError(f"{path}: report of version {whole['version']}; this reads version 1")
        return dict(whole)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no report.json of a stress run") from error


def _events(report: Path) -> dict[str, Floats]:
    """Return the latencies of the operations that succeeded, by step, in seconds."""
    found: dict[str, list[float]] = defaultdict(list)
    path = report.with_name("events.jsonl")
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if not event["error"]:
                    found[event["step"]].append(event["finished"] - event["at"])
    return {step: np.asarray(seconds) for step, seconds in found.items()}


def _step(
    a: dict[str, Any], b: dict[str, Any], events: tuple[dict[str, Floats], dict[str, Floats]]
) -> list[Row]:
    name = a["step"]
    rows = [Row(f"{name}.succeeded", float(a["succeeded"]), float(b["succeeded"]))]
    if a["achieved_rate"] and b["achieved_rate"]:
        rows.append(Row(f"{name}.rate", a["achieved_rate"], b["achieved_rate"]))
    if a["latency"] and b["latency"]:
        samples = [_thinned(of.get(name)) for of in events]
        for figure, share in _SHARES.items():
            low, high = _bounds(samples[0], samples[1], share)
            rows.append(
                Row(f"{name}.latency.{figure}", a["latency"][figure], b["latency"][figure], low, high)
            )
    return rows


def _thinned(seconds: Floats | None) -> Floats:
    if seconds is None:
        return np.empty(0)
    return seconds[:: max(1, -(-len(seconds) // _MOST))]


def _bounds(a: Floats, b: Floats, share: float) -> tuple[float | None, float | None]:
    """Return the bounds of the middle 95 % of resampled differences b - a of a quantile."""
    if len(a) < 10 or len(b) < 10:
        return None, None
    stream = Stream(0, "compare", str(share))

    def drawn(values: Floats) -> Floats:
        return np.array(
            [np.quantile(values[stream.integers(len(values), len(values))], share) for _ in range(_ROUNDS)]
        )

    low, high = np.quantile(drawn(b) - drawn(a), [0.025, 0.975])
    return float(low), float(high)
