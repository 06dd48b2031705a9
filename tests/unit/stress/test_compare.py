"""Two runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.runs import made_run

from emulator.errors import UsageError
from stress.compare import as_json, compare
from stress.records import RunRecord
from stress.report import write


def written(record: RunRecord, folder: Path) -> Path:
    write(record, [], folder)
    return folder / "report.json"


def slower(record: RunRecord, factor: float) -> RunRecord:
    outcomes = [
        replace(o, finished=o.operation.at + o.latency * factor) if o.operation.step == "flap" else o
        for o in record.outcomes
    ]
    return replace(record, outcomes=outcomes)


def test_a_run_beside_itself_shows_only_noise(tmp_path: Path) -> None:
    rows = compare(written(made_run(), tmp_path / "a"), written(made_run(), tmp_path / "b"))
    assert not any(row.moved for row in rows)
    assert {row.figure for row in rows} >= {"flap.rate", "flap.latency.p99", "restart.latency.p50"}


def test_what_got_slower_is_told_from_what_did_not(tmp_path: Path) -> None:
    rows = compare(written(made_run(), tmp_path / "a"), written(slower(made_run(), 1.3), tmp_path / "b"))
    moved = {row.figure for row in rows if row.moved}
    assert "flap.latency.p50" in moved
    assert not {figure for figure in moved if figure.startswith("restart")}
    assert "MOVED" in str(next(row for row in rows if row.figure == "flap.latency.p50"))
    assert any(figure["moved"] for figure in as_json(rows)["figures"])


def test_without_events_nothing_is_judged(tmp_path: Path) -> None:
    a, b = written(made_run(), tmp_path / "a"), written(made_run(), tmp_path / "b")
    a.with_name("events.jsonl").unlink()
    assert {row.moved for row in compare(a, b)} == {None}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9}'])
def test_what_is_no_report_is_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="report"):
        compare(path, path)
