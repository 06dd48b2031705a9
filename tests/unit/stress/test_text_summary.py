"""What a run says at its end."""

from __future__ import annotations

from dataclasses import replace

from support.runs import made_run

from stress.metrics.figures import Figures
from stress.operations import Outcome
from stress.outcomes import Outcomes
from stress.records import ProbeRecord, RunResult
from stress.report.text_summary import summary_lines


def said(record: RunResult) -> list[str]:
    return list(summary_lines(record, Figures(record)))


def of(lines: list[str], name: str) -> str:
    (line,) = (line for line in lines if line.startswith(f"{name}: "))
    return line


def failing(outcome: Outcome, number: int) -> Outcome:
    return replace(outcome, error="No such device" if number % 4 else "File exists")


def test_steps_probes_and_events_have_a_line_each() -> None:
    run = made_run(60, 400, 2)
    figures = Figures(run)
    lines = said(run)
    flap = of(lines, "flap")
    count = figures.values["flap.offered"]
    assert f"of {count:,} operations, {figures.values['flap.rate']:.4g} /s" in flap
    assert "latency p50 " in flap
    for probe in {found.probe for found in run.probes}:
        assert f"{figures.values[f'{probe}.sent']:,} probes sent" in of(lines, probe)
    assert f"{len(figures.convergence.events)} events felt by probes" in of(lines, "convergence")


def test_losses_that_nothing_explains_are_told() -> None:
    run = made_run(60, 400, 2)
    windows = sum(len(probe.windows) for probe in run.probes)
    lines = said(replace(run, outcomes=Outcomes.of([])))
    assert of(lines, "unexplained") == f"unexplained: {windows} loss windows, begun by no operation"
    assert not any(line.startswith("convergence") for line in lines)


def test_errors_are_told_though_no_limit_is_on_them() -> None:
    run = made_run(60, 400, 2)
    outcomes = [replace(one, skipped="") for one in run.outcomes if one.operation.step == "flap"]
    lines = said(replace(run, outcomes=Outcomes.of(failing(one, k) for k, one in enumerate(outcomes))))
    assert f", {len(outcomes):,} errors" in of(lines, "flap")
    rare = len(range(0, len(outcomes), 4))
    at = lines.index(of(lines, "flap"))
    assert lines[at + 1 : at + 3] == [
        f"  {len(outcomes) - rare:,} x No such device", f"  {rare:,} x File exists",
    ]  # fmt: skip


def test_flows_and_what_was_not_measured() -> None:
    flows = [{"received_bytes": 1_000_000, "seconds": 1.0, "error": ""},
             {"received_bytes": 0, "seconds": 1.0, "error": "ECONNREFUSED"}]  # fmt: skip
    run = made_run(60, 40, 2)
    lines = said(
        replace(
            run, outcomes=Outcomes.of([]), probes=[ProbeRecord("tcp", "h1", "h2", kind="tcp")], traffic=flows
        )
    )
    assert lines[-1] == "flows: 2, 8 Mbit together, slowest 0 bit, 1 failed"
    assert all("latency" not in line and not line.startswith("tcp") for line in lines)
