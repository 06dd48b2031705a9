"""The files of a report."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest
from support.runs import made_run

from emulator.errors import BrokenError
from stress.limits import Verdict, judge, parse
from stress.metrics.figures import Figures
from stress.outcomes import Outcomes
from stress.records import ProbeRecord, RunResult
from stress.report import files, write
from stress.report.page import finite
from stress.report.schema import schema
from stress.report.summary import summary

VERDICTS = [
    Verdict(parse("flap.latency.p99 <= 20 ms"), held=True, measured=0.0005, bound=0.02, words="0.5 ms"),
    Verdict(parse("errors == 0"), held=False, measured=6.0, bound=0.0, words="6 <&>"),
]


def test_all_files_are_written(tmp_path: Path) -> None:
    paths = write(made_run(), VERDICTS, tmp_path / "new" / "out")
    assert [path.name for path in paths] == [
        "junit.xml", "report.json", "events.jsonl", "metrics.csv", "report.html",
    ]  # fmt: skip
    assert all(path.stat().st_size for path in paths)


def test_a_full_disk_keeps_the_files_that_fit_whole_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: RunResult, out: TextIO) -> None:
        out.write("half a line")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_events", full)
    with pytest.raises(BrokenError, match=r"No space left on device; junit.xml, report.json, metrics.csv, "):
        write(made_run(), VERDICTS, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml", "metrics.csv", "report.html", "report.json",
    ]  # fmt: skip


def test_the_summary_counts_what_happened() -> None:
    record = made_run()
    whole = json.loads(json.dumps(summary(record, VERDICTS)))
    assert whole["version"] == 1
    assert whole["held"] is False
    flap, restart = whole["steps"]
    assert (flap["offered"], flap["done"], restart["offered"], restart["done"]) == (9900, 9900, 100, 100)
    assert flap["succeeded"] + sum(flap["errors"].values()) == flap["done"]
    assert set(flap["verbs"]) == {"down", "up"}
    assert flap["achieved_rate"] == pytest.approx(flap["succeeded"] / 280, rel=0.02)
    assert whole["figures"]["flap.latency.p99"] == flap["latency"]["p99"]
    assert sum(flap["skipped"].values()) == whole["figures"]["flap.skipped"] == 17


def test_slices_hold_every_operation_that_was_timed() -> None:
    for step in summary(made_run(), [])["steps"]:
        slices = step["latency"]["slices"]
        assert len(slices) == 20
        assert sum(count for part in slices for _, count in part) == step["latency"]["count"]


def test_convergence_and_probes_tell_of_the_events() -> None:
    whole = summary(made_run(), [])
    (group,) = whole["probe_groups"]
    assert (group["pairs"], group["sent"], group["late"]) == (40, 40 * 3000, 39)
    assert group["answered"] == sum(probe["answered"] for probe in whole["probes"])
    assert group["loss"] == pytest.approx(1 - group["answered"] / group["sent"])
    events = whole["convergence"]["events"]
    restarts = [event for event in events if event["step"] == "restart"]
    assert len(restarts) > 40
    assert all(1.3 < event["convergence"] < 1.8 for event in restarts)
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert whole["convergence"]["disturbing"] + whole["convergence"]["undisturbing"] == sum(
        outcome.operation.verb in {"down", "stop"} and not outcome.skipped and not outcome.error
        for outcome in made_run().outcomes
    )


NOTHING = Outcomes.of([])
RUNS = {
    "whole": made_run(60, 400, 6),
    "nothing": replace(made_run(60, 40, 2), outcomes=NOTHING, probes=[], samples=[], phases=[], offered={}),
    "silent": replace(made_run(60, 40, 2), probes=[ProbeRecord("tcp", "h1", "h2", kind="tcp")]),
}


@pytest.mark.parametrize("name", RUNS)
def test_report_json_is_what_its_schema_says(name: str, tmp_path: Path) -> None:
    limits = [parse("errors == 0"), parse("traffic.rate >= 1 Mbit"), parse("flap.latency.p99 <= 1 s")]
    write(RUNS[name], judge(RUNS[name], limits), tmp_path)
    whole = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(whole, schema())
    assert set(whole) == set(schema()["required"])
    assert whole["verdicts"][1]["words"] == "traffic.rate was not measured"


def test_the_schema_refuses_another_shape() -> None:
    whole = json.loads(json.dumps(summary(RUNS["whole"], [])))
    whole["probes"][0]["windows"] = [[1.0, "later", 3]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, schema())


def test_the_page_describes_every_key_of_the_schema() -> None:
    text = (Path(__file__).parents[3] / "docs" / "stress-report.md").read_text()
    missing = [key for key in schema()["required"] if f"`{key}`" not in text]
    assert not missing
    assert all(f"`{key}`" in text for key in schema()["properties"]["steps"]["items"]["required"])


def test_numbers_that_json_lacks_are_null() -> None:
    assert finite({"a": [math.nan, math.inf, 1.5], "b": (2, {"c": -math.inf})}) == {
        "a": [None, None, 1.5], "b": [2, {"c": None}]}  # fmt: skip


def test_latencies_are_those_of_the_outcomes_lateness_included() -> None:
    record = made_run()
    exact = [
        o.finished - o.operation.at
        for o in record.outcomes
        if o.operation.step == "flap" and not o.error and not o.skipped
    ]
    found = summary(record, [])["steps"][0]["latency"]
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        assert found[name] == pytest.approx(float(np.quantile(exact, share, method="higher")), rel=0.002)
    assert found["max"] == max(exact)
    assert [share for share, _ in found["curve"]] == sorted(share for share, _ in found["curve"])


def test_a_run_in_which_nothing_was_done_has_a_report(tmp_path: Path) -> None:
    empty = replace(made_run(), outcomes=NOTHING, probes=[], samples=[], phases=[], offered={"flap": 3})
    write(empty, [], tmp_path)
    whole = json.loads((tmp_path / "report.json").read_text())
    assert whole["steps"][0]["latency"] is None
    assert (whole["steps"][0]["offered"], whole["steps"][0]["done"]) == (3, 0)
    assert whole["held"] is True


def test_events_and_metrics_are_whole(tmp_path: Path) -> None:
    record = made_run()
    write(record, [], tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert len(lines) == len(record.outcomes)
    assert lines[0]["targets"] == list(record.outcomes[0].operation.targets)
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert len(rows) == len(record.samples)
    assert float(rows[3]["host.namespaces"]) == 75.0


def test_junit_has_a_case_per_limit(tmp_path: Path) -> None:
    write(made_run(), VERDICTS, tmp_path)
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 -- our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failures = [(case.get("name"), found.get("message")) for case in suite for found in case.iter("failure")]
    assert failures == [("errors == 0", "errors == 0 (6 <&>)")]


def test_what_leaked_is_a_failure_like_the_exit_code_though_every_limit_held(tmp_path: Path) -> None:
    record = made_run()
    record.leaks.leaked = ["node h1 is missing"]
    write(record, VERDICTS[:1], tmp_path)
    assert VERDICTS[0].held
    assert json.loads((tmp_path / "report.json").read_text())["held"] is False
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 -- our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["left all as it was"]


def test_junit_cases_are_called_alike_in_every_run(tmp_path: Path) -> None:
    names = []
    for operations in (40, 80):
        run = made_run(60, operations, 2)
        write(run, judge(run, [parse("errors == 0"), parse("flap.latency.p99 <= 1 s")]), tmp_path)
        suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 -- our own
        names.append([case.get("name") for case in suite])
        assert suite[1].findtext("system-out", "").startswith("measured ")
    assert names[0] == names[1] == ["errors == 0", "flap.latency.p99 <= 1 s"]


def test_a_step_named_as_the_action_of_several_reports_its_own() -> None:
    """The first of several steps of an action is called as the action: limits mean all of them."""
    run = made_run(60, 400, 6)
    steps = {"flap": "port-flap", "restart": "port-flap-2"}
    outcomes = [replace(one, operation=replace(one.operation, step=steps.get(one.operation.step, "other"),
                                               action="port-flap")) for one in run.outcomes]  # fmt: skip
    offered = {steps.get(step, "other"): count for step, count in run.offered.items()}
    record = replace(run, outcomes=Outcomes.of(outcomes), scenario={}, offered=offered)
    whole, apart = summary(record, []), summary(run, [])
    assert [step["step"] for step in whole["steps"]] == ["port-flap", "port-flap-2"]
    for step, alone in zip(whole["steps"], apart["steps"], strict=True):
        for key in ("offered", "done", "succeeded", "skipped", "errors", "latency", "lateness", "verbs"):
            assert step[key] == alone[key], key
        assert (step["convergence"] or {}).get("count") == (alone["convergence"] or {}).get("count")
    assert whole["figures"]["port-flap.offered"] == sum(run.offered.values())
    assert not any(":" in name for name in whole["figures"])
    assert Figures(record).get("port-flap.latency.max") == max(
        step["latency"]["max"] for step in whole["steps"]
    )


def test_a_step_called_traffic_keeps_its_own_rate() -> None:
    """`traffic.rate` is that of the flows, in bits; the step's is of operations."""
    run = made_run(60, 400, 2)
    names = {"flap": "traffic"}
    outcomes = [replace(one, operation=replace(one.operation, step=names.get(one.operation.step, "restart")))
                for one in run.outcomes]  # fmt: skip
    flow = {"received_bytes": 1_000_000, "seconds": 1.0, "error": ""}
    record = replace(
        run, outcomes=Outcomes.of(outcomes), traffic=[flow], scenario={},
        offered={names.get(step, step): count for step, count in run.offered.items()},
    )  # fmt: skip
    own = {step["step"]: step["achieved_rate"] for step in summary(run, [])["steps"]}
    whole = summary(record, [])
    assert whole["figures"]["traffic.rate"] == 8_000_000
    assert whole["steps"][0]["achieved_rate"] == pytest.approx(own["flap"], rel=0.2)


def test_the_page_is_one_file_that_loads_nothing_and_escapes_everything(tmp_path: Path) -> None:
    write(made_run(), VERDICTS, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert set(re.findall(r"https?://[^\"'` )]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"\b(?:src|href|@import|url)\b\s*[=(]\s*[\"']?(?!#)", text.partition("<script")[0])
    assert "default-src 'none'" in text
    assert "<b>processor</b>" not in text
    assert text.count("</script>") == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokenError, match="can't write the report into"):
        write(made_run(operations=10), [], tmp_path / "file" / "out")
