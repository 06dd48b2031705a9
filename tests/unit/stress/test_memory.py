"""What an operation takes at the end of a run, until the report is written: bytes, by tracemalloc."""

from __future__ import annotations

import json
import tracemalloc
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from support.topologies import made

from stress.limits import judge, parse
from stress.metrics.figures import Figures
from stress.records import LossWindow, Phase, ProbeRecord, RunResult
from stress.report import write
from stress.runner.collect_results import collect
from stress.runner.columns import Columns
from stress.runner.validity import Spent, validity_warnings
from stress.runner.worker import Worker
from stress.scenario.load import load_text
from stress.schedule import planned

pytestmark = pytest.mark.slow

OPERATIONS = 100_000
SCENARIO = f"""\
name: x
steps:
  - {{action: port-flap, target: host, rate: {OPERATIONS // 2}, down: 5 ms, duration: 1 s}}
"""
FOUND = 64.0
"""Bytes an operation that the outcomes may take: five columns of 8 bytes, three smaller ones, and air."""
WORK = 96.0
"""Bytes an operation that figures, doubts and the report may take meanwhile."""


def test_an_operation_takes_columns_to_the_end_of_the_report(tmp_path: Path) -> None:
    topology = made({"generator": "tree", "depth": 2, "fanout": 4})
    document = load_text(SCENARIO)
    schedule = planned(document, topology, 0, document.steps())
    assert len(schedule) == OPERATIONS
    shares = [np.arange(worker, OPERATIONS, 2) for worker in range(2)]
    workers = []
    for share in shares:
        columns = Columns(share, schedule.at[share] / 1e6)
        late = np.where(share % 10, 1e-5, 0.5)
        columns.started = array("d", (schedule.at[share] / 1e6 + late).tobytes())
        columns.finished = array("d", (schedule.at[share] / 1e6 + late + 1e-4).tobytes())
        for k in range(0, len(share), 100):
            columns.failed(k, f"error {k % 300}")
        columns.done = len(share)
        workers.append(cast("Worker", SimpleNamespace(columns=columns, over=set())))
    record = record_of(schedule.offered())
    tracemalloc.start()
    collect(record, schedule, workers, cast("Any", SimpleNamespace(reports=[])))
    workers.clear()
    kept, peak = (size / OPERATIONS for size in tracemalloc.get_traced_memory())
    assert kept <= FOUND
    assert peak <= FOUND + WORK
    tracemalloc.reset_peak()
    figures = Figures(record)
    verdicts = judge(record, [parse("achieved >= 99 % of offered")], figures)
    record.warnings = validity_warnings(record, OPERATIONS, lambda: Spent(1.0, 0.0))
    write(record, verdicts, tmp_path, figures)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / OPERATIONS <= FOUND + WORK
    require_true(tmp_path, figures)


def record_of(offered: dict[str, int]) -> RunResult:
    """Return the record of a run in which a probe lost something."""
    windows = [LossWindow(0.1 + k / 200, 0.101 + k / 200, 1, 0.099 + k / 200) for k in range(100)]
    probe = ProbeRecord("ping", "h1", "h2", 1000, 900, windows, interval=0.001)
    scenario = {"name": "x", "steps": [{"name": "port-flap", "action": "port-flap"}]}
    phases = [Phase("port-flap", 0.0, 1.0)]
    return RunResult(scenario, {}, {}, 0, 0.0, phases, offered=offered, probes=[probe])


def require_true(folder: Path, figures: Figures) -> None:
    """Compare the figures with what numpy makes of the events that were written."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    good = [event for event in events if not event["error"]]
    latency = np.array([event["finished"] - event["at"] for event in good])
    assert (len(events), len(events) - len(good)) == (OPERATIONS, OPERATIONS // 100)
    assert (figures.get("achieved"), figures.get("errors")) == (len(good), len(events) - len(good))
    assert figures.get("latency.max") == pytest.approx(latency.max())
    p99 = np.quantile(latency, 0.99, method="inverted_cdf")
    assert figures.get("latency.p99") == pytest.approx(p99, rel=1 / 1024)
    for verb in ("down", "up"):
        own = [event["started"] - event["at"] for event in events if event["verb"] == verb]
        assert figures.histograms[f"port-flap.{verb}.lateness"].count == len(own) == OPERATIONS // 2
        assert figures.get(f"port-flap.{verb}.lateness.mean") == pytest.approx(np.mean(own))
