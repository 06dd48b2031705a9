"""The gate of `compare --fail-over`: what is worse fails it, noise and the machine don't."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.runs import made_run

from emulator.cli.main import run as command_line
from emulator.errors import UsageError
from stress.compare import Row
from stress.gate import incomparable, share_of, worse_than
from stress.outcomes import Outcomes
from stress.report.summary import summary


@pytest.mark.parametrize(
    ("row", "share", "worse"),
    [
        (Row("flap.latency.p50", 1.0, 1.2, 0.1, 0.3), 0.1, True),
        (Row("flap.latency.p50", 1.0, 1.2, 0.1, 0.3), 0.3, False),  # within the share
        (Row("flap.latency.p50", 1.0, 1.2, -0.1, 0.5), 0.1, False),  # noise
        (Row("flap.latency.p50", 1.0, 0.5, -0.6, -0.4), 0.1, False),  # better
        (Row("flap.errors", 0, 1), 0.5, True),  # from zero
        (Row("flap.errors", 0, 0), 0.0, False),
        (Row("flap.achieved", 100, 80), 0.1, True),
        (Row("flap.achieved", 100, 130), 0.1, False),
        (Row("traffic.rate", 1e9, 5e8), 0.1, True),
        (Row("pairs.loss", 0.01, 0.5, 0.3, 0.6), 0.1, True),
        (Row("host.memory.used.growth", 1, 99), 0.1, False),  # of the machine
        (Row("run.cpu.mean", 1.0, 9.0, 7.0, 9.0), 0.1, False),
    ],
)
def test_which_figures_fail(row: Row, share: float, worse: bool) -> None:
    assert worse_than([row], share) == ([row] if worse else [])


def test_a_share_is_one() -> None:
    assert share_of("10 %") == share_of("10%") == 0.1
    with pytest.raises(UsageError, match=r"--fail-over: .*did you mean `10 %`"):
        share_of("10")


def test_what_b_lacks_fails() -> None:
    found = ["the scenarios differ: steps", "B ended early: SIGINT", "the machines differ: cpu"]
    assert incomparable(found) == found[:2]


def test_the_command_line_exits_1_and_names_what_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_run(60, 1000, 10)
    slow = [replace(one, finished=one.started + (one.finished - one.started) * 2) for one in run.outcomes]
    paths = []
    for name, one in (("a", run), ("b", replace(run, outcomes=Outcomes.of(slow)))):
        paths.append(str(tmp_path / f"{name}.json"))
        Path(paths[-1]).write_text(json.dumps(summary(one, [])))
    gate = ["stress", "compare", *paths, "--fail-over"]
    assert command_line([*gate, "10%"]) == 1
    assert "FAILED  flap.latency.p50 is worse by more than 10 %: +" in capsys.readouterr().out
    assert command_line(["stress", "compare", *paths]) == 0
    assert "FAILED" not in capsys.readouterr().out
    assert command_line([*gate, "10%", "--json"]) == 1
    assert "flap.latency.p50" in json.loads(capsys.readouterr().out)["worse"]
    assert command_line(["stress", "compare", paths[1], paths[0], "--fail-over", "10%"]) == 0
    assert capsys.readouterr().out.endswith("passed  no figure is worse by more than 10 %\n")
    assert command_line(["stress", "s.yaml", "--fail-over", "10%"]) == 2
