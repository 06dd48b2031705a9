"""The files of a report."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from support.runs import made_run

from emulator.errors import BrokenError
from stress.report import write
from stress.report.summary import summary


@dataclass(frozen=True)
class Limit:
    text: str
    held: bool

    def __str__(self) -> str:
        return self.text


VERDICTS = [Limit("flap.latency.p99 <= 20 ms (0.5 ms)", held=True), Limit("errors == 0 (6) <&>", held=False)]


def test_all_files_are_written(tmp_path: Path) -> None:
    paths = write(made_run(), VERDICTS, tmp_path / "new" / "out")
    assert [path.name for path in paths] == [
        "report.json", "events.jsonl", "metrics.csv", "junit.xml", "report.html",
    ]  # fmt: skip
    assert all(path.stat().st_size for path in paths)


def test_the_summary_counts_what_happened() -> None:
    record = made_run()
    whole = json.loads(json.dumps(summary(record, VERDICTS)))
    assert whole["version"] == 1
    assert whole["held"] is False
    flap, restart = whole["steps"]
    assert (flap["offered"], flap["done"], restart["offered"], restart["done"]) == (4900, 4900, 100, 100)
    assert flap["succeeded"] + sum(flap["errors"].values()) == flap["done"]
    assert set(flap["verbs"]) == {"down", "up"}
    assert flap["achieved_rate"] == pytest.approx(flap["succeeded"] / 100, rel=0.02)


def test_latencies_are_those_of_the_outcomes_lateness_included() -> None:
    record = made_run()
    exact = [
        o.finished - o.operation.at for o in record.outcomes if o.operation.step == "flap" and not o.error
    ]
    found = summary(record, [])["steps"][0]["latency"]
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        assert found[name] == pytest.approx(float(np.quantile(exact, share, method="higher")), rel=0.002)
    assert found["max"] == max(exact)
    assert [share for share, _ in found["curve"]] == sorted(share for share, _ in found["curve"])


def test_a_run_in_which_nothing_was_done_has_a_report(tmp_path: Path) -> None:
    empty = replace(made_run(), outcomes=[], probes=[], samples=[], phases=[], offered={"flap": 3})
    write(empty, [], tmp_path)
    whole = json.loads((tmp_path / "report.json").read_text())
    assert whole["steps"][0]["latency"] is None
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
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["errors == 0 (6) <&>"]


def test_the_page_is_one_file_that_loads_nothing_and_escapes_everything(tmp_path: Path) -> None:
    write(made_run(), VERDICTS, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "<b>processor</b>" not in text
    assert text.count("</script>") == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokenError, match="can't write the report into"):
        write(made_run(operations=10), [], tmp_path / "file" / "out")
