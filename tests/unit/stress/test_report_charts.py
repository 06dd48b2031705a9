"""What the page of a report draws: parts of a second or more, flows, limits, the longest loss windows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from support.runs import made_run

from stress.limits import judge, parse
from stress.metrics.figures import Figures
from stress.records import RunResult
from stress.report.flow_charts import flows_of
from stress.report.limit_lines import limit_lines
from stress.report.page import page
from stress.report.summary import summary

RUN = made_run(60, 400, 6)


def data_of(run: RunResult, *limits: str) -> dict[str, Any]:
    """Return the data in the page of a run."""
    verdicts = judge(run, [parse(text) for text in limits])
    text = page(summary(run, verdicts), run, verdicts)
    found = re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found is not None
    whole: dict[str, Any] = json.loads(found[1])
    return whole


def flow(begun: float, series: list[int], **keys: Any) -> dict[str, Any]:
    return {
        "step": "load", "source": "h1", "target": "h2", "protocol": "tcp", "begun": begun, "series": series,
        "received_bytes": sum(series), "seconds": float(len(series)), "error": "", **keys,
    }  # fmt: skip


def test_the_whole_run_has_a_point_a_second_at_most_and_more_when_zoomed() -> None:
    data = data_of(RUN)
    assert data["coarse"]["width"] >= 1
    assert data["bins"]["width"] == pytest.approx(0.1)
    for name in ("due", "done", "failed"):
        sums = [sum(data[level]["rates"][name]) * data[level]["width"] for level in ("coarse", "bins")]
        assert sums[0] == pytest.approx(sums[1], rel=0.01)
    assert data_of(replace(RUN, phases=[]))["coarse"]["width"] >= 1


def test_flows_are_lines_at_the_time_at_which_they_ran() -> None:
    found = flows_of([flow(2.1, [100, 200]), flow(3.0, [50], target="h3")], 6.0)
    assert found["at"] == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    lines = {line["name"]: line["rates"] for line in found["lines"]}
    assert lines["h1 → h2 tcp"] == [None, None, 800, 1600, None, None]
    assert lines["h1 → h3 tcp"] == [None, None, None, 400, None, None]
    assert found["lines"][0] == {"name": "all flows", "rates": [None, None, 800, 2000, None, None]}


def test_the_line_of_a_flow_ends_with_the_flow() -> None:
    """The last second is a part of one; what came in a moment of it, or after it, is no rate of its own."""
    (line,) = flows_of([flow(2.0, [100, 100, 96], seconds=2.96)], 6.0)["lines"]
    assert line["rates"] == [None, None, 800, 800, 800, None]
    (line,) = flows_of([flow(2.0, [100, 100, 2, 3], seconds=2.04)], 6.0)["lines"]
    assert line["rates"] == [None, None, 800, pytest.approx(105 * 8 / 1.04, rel=1e-5), None, None]
    (line,) = flows_of([flow(2.0, [5], seconds=0.01)], 6.0)["lines"]
    assert line["rates"] == [None, None, 400, None, None, None]


def test_flows_of_a_long_run_are_means_and_few_of_many_are_drawn() -> None:
    found = flows_of([flow(0.0, [100] * 1200, target=f"h{k}") for k in range(2, 60)], 1200.0)
    assert len(found["at"]) == 600
    assert found["lines"][0]["rates"][7] == 58 * 800
    assert found["lines"][1]["rates"] == [800] * 600
    assert (len(found["lines"]), len(found["rows"]), found["more"]) == (12, 30, 28)


def test_the_table_of_flows_begins_with_those_that_went_wrong() -> None:
    udp = {"protocol": "udp", "packets": 100, "arrived": 90}
    rows = flows_of([flow(0, [9, 9]), flow(0, [5], **udp), flow(0, [7], error="ECONNRESET")], 3.0)["rows"]
    assert [row["error"] for row in rows] == ["ECONNRESET", "", ""]
    assert [row["rate"] for row in rows] == [56, 40, 72]
    assert rows[1]["loss"] == pytest.approx(0.1)
    assert rows[0]["loss"] is None


def test_a_run_without_flows_has_none_and_old_records_have_no_time() -> None:
    assert flows_of([], 5.0) == {"at": [], "lines": [], "rows": [], "more": 0}
    bare = flows_of([{"received_bytes": 1000, "seconds": 1.0, "error": ""}], 5.0)
    assert bare["lines"] == []
    assert bare["rows"][0]["rate"] == 8000


def test_the_page_holds_no_series_of_single_flows() -> None:
    data = data_of(replace(RUN, traffic=[flow(1.0, [10, 20])]))
    assert "traffic" not in data
    assert data["flows"]["lines"][0]["rates"][1] == 80


@pytest.mark.parametrize(
    ("limit", "chart", "line"),
    [
        ("flap.latency.p99 <= 1 us", "latency", "p99"),
        ("probe.rtt.max <= 1 s", "round trips", "max"),
        ("convergence.p99 <= 1 s", "convergence", "p99"),
        ("host.cpu <= 50 %", "host.cpu.busy", "host.cpu.busy"),
        ("host.memory.slab.mean <= 1 GiB", "host.memory.slab", "host.memory.slab"),
        ("rate >= 99 % of offered_rate", "operations", "rate"),
    ],
)
def test_a_limit_is_a_line_of_its_chart(limit: str, chart: str, line: str) -> None:
    verdicts = judge(RUN, [parse(limit)])
    (found,) = limit_lines(verdicts, Figures(RUN).all())
    assert (found["chart"], found["line"], found["text"]) == (chart, line, limit)
    assert found["at"] == verdicts[0].bound
    assert found["held"] == verdicts[0].held
    assert found["below"] == (">" in limit)


def test_a_limit_on_growth_is_a_line_above_the_first_value() -> None:
    figures = Figures(RUN).all()
    (found,) = limit_lines(judge(RUN, [parse("host.memory.growth <= 1 MiB")]), figures)
    assert found["at"] == figures["host.memory.used.first"] + 2**20


def test_limits_that_no_chart_shows_are_no_lines() -> None:
    texts = ["errors == 0", "probe.loss <= 1 %", "traffic.rate >= 1 Mbit", "achieved >= 99 % of offered"]
    assert limit_lines(judge(RUN, [parse(text) for text in texts]), {}) == []


def test_the_longest_loss_windows_name_their_pair() -> None:
    data = data_of(RUN)
    every = [(w[1] - w[0] if w[1] else None) for p in summary(RUN, [])["probes"] for w in p["windows"]]
    found = data["windows"]
    assert len(found) == min(15, len(every))
    assert found[0]["end"] is None
    lasted = [one["end"] - one["start"] for one in found[1:]]
    assert lasted == sorted((one for one in every if one), reverse=True)[: len(lasted)]
    assert all(one["source"].startswith("h") and one["target"].startswith("h") for one in found)
