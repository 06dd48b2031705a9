"""Two runs side by side: what differs is marked, what doesn't is noise."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.runs import made_run

from emulator.errors import UsageError
from stress.compare import Row, as_json, cautions, compare, compared
from stress.operations import Outcome
from stress.outcomes import Outcomes
from stress.records import RunResult
from stress.report.summary import summary


def slower(run: RunResult, factor: float) -> RunResult:
    """The same run, with operations that take `factor` times as long."""
    outcomes = [
        replace(one, finished=one.started + (one.finished - one.started) * factor) for one in run.outcomes
    ]
    return replace(run, outcomes=Outcomes.of(outcomes))


def rows(a: RunResult, b: RunResult) -> dict[str, Row]:
    return {row.figure: row for row in compared(summary(a, []), summary(b, []))}


@pytest.fixture(scope="module")
def run() -> RunResult:
    return made_run(120, 3000, 20)


def test_a_run_is_like_itself_with_another_seed(run: RunResult) -> None:
    found = rows(run, made_run(120, 3000, 20, seed=6))
    judged = [row for row in found.values() if row.moved is not None]
    assert len(judged) >= 20
    moved = [row.figure for row in judged if row.moved]
    assert len(moved) <= 0.1 * len(judged), moved


def test_what_takes_longer_has_moved(run: RunResult) -> None:
    found = rows(run, slower(run, 1.3))
    row = found["flap.latency.p50"]
    assert row.moved
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.b - row.a < row.high
    assert row.b / row.a == pytest.approx(1.3, rel=0.05)
    assert not found["host.memory.used.mean"].moved
    assert "MOVED" in str(row)
    assert "noise" in str(found["host.memory.used.mean"])


def test_runs_that_are_not_alike_or_unreliable_come_with_a_caution(run: RunResult) -> None:
    same = summary(run, [])
    same["doubts"] = []
    assert cautions(same, same) == []
    other = same | {"network": same["network"] | {"links": 7}, "doubts": ["late"], "interrupted": "SIGINT"}
    assert cautions(same, other) == [
        "the networks differ: links", "B ended early: SIGINT", "B is unreliable: late",
    ]  # fmt: skip


def test_one_bad_second_is_noise_and_not_a_change(run: RunResult) -> None:
    def stalled(one: Outcome) -> Outcome:
        return replace(one, finished=one.finished + 0.5) if 50 < one.operation.at < 52 else one

    found = rows(run, replace(run, outcomes=Outcomes.of(stalled(one) for one in run.outcomes)))[
        "flap.latency.p99"
    ]
    assert found.b > found.a * 5
    assert found.moved is False


def test_loss_and_metrics_that_moved(run: RunResult) -> None:
    probes = [replace(probe, answered=probe.answered - 200) for probe in run.probes]
    samples = [replace(sample, values={**sample.values, "host.memory.slab": 9e8}) for sample in run.samples]
    found = rows(run, replace(run, probes=probes, samples=samples))
    assert found["ping.loss"].moved
    assert found["host.memory.slab.mean"].moved
    assert not found["host.cpu.busy.mean"].moved


def test_what_only_one_run_has_is_left_out(run: RunResult) -> None:
    few = replace(run, outcomes=run.outcomes[:2], probes=[], samples=[])
    found = rows(run, few)
    assert "ping.loss" not in found
    assert found["flap.latency.p50"].moved is None
    assert "flap.achieved" in found


def test_reports_are_read_from_their_files(run: RunResult, tmp_path: Path) -> None:
    one, two = tmp_path / "a.json", tmp_path / "b.json"
    one.write_text(json.dumps(summary(run, [])))
    two.write_text(json.dumps(summary(slower(run, 2), [])))
    found, _ = compare(one, two)
    assert found == compare(one, two)[0]
    data = json.loads(json.dumps(as_json(found)))
    moved = {row["figure"] for row in data["figures"] if row["moved"]}
    assert {"flap.latency.p50", "restart.latency.p50"} <= moved


@pytest.mark.parametrize(
    ("text", "words"),
    [("{}", "is not the report.json"), ("[", "is not the report.json"),
     ('{"version": 9}', "report of version 9"), ('{"version": 1}', "is not the report.json")],
)  # fmt: skip
def test_what_is_no_report_is_said(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        compare(path, path)
    with pytest.raises(UsageError, match="can't be read"):
        compare(tmp_path / "none.json", path)


def test_the_folders_of_two_reports_do_too(run: RunResult, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(summary(run, [])))
    assert compare(tmp_path, tmp_path / "report.json")[0] == compare(tmp_path, tmp_path)[0]
    with pytest.raises(UsageError, match="can't be read: No such file"):
        compare(tmp_path, tmp_path.parent)
