"""What `check` prints about round trips, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.access import Echo
from emulator.cli.main import run
from emulator.engines.dry_run import DryRunAccess, DryRunNetwork
from emulator.network import Health

FILE = """\
name: slow
engine: dry-run
topology: {generator: single, hosts: 6}
links: [{delay: 41.5 ms}]
"""


@pytest.fixture
def up(state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del state_dir
    (tmp_path / "slow.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("emulator.checks.late_answers._PAUSE", 0.0)
    assert run(["up", "slow.yaml"]) == 0


@pytest.mark.usefixtures("up")
def test_a_dry_run_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["round_trips"] == {"pairs": 30, "unexpected": []}
    assert "round trip" not in captured.err


@pytest.mark.usefixtures("up")
def test_wrong_round_trips_are_listed_and_the_exit_code_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ping(self: DryRunAccess, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        return [30.125] * len(echoes)

    monkeypatch.setattr(DryRunAccess, "ping", ping)
    capsys.readouterr()
    assert run(["check", "--json"]) == 1
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines[0] == "h1 -> h2 (10.0.0.2): round trip 30.1 s, the links' delays make 166 ms"
    assert lines[20:22] == ["… and 10 more", "30 of 30 round trips unexpected"]
    assert lines[22].startswith("30 pairs, 30 reachable, 30 expected, 0 unexpected")
    found = json.loads(captured.out)
    assert (found["unexpected"], found["round_trips"]["pairs"]) == ([], 30)
    assert len(found["round_trips"]["unexpected"]) == 30
    assert found["round_trips"]["unexpected"][0] == {
        "from": "h1", "to": "h2", "address": "10.0.0.2",
        "expected_seconds": [0.166, 0.166], "found_seconds": 30.125,
    }  # fmt: skip


@pytest.mark.usefixtures("up")
def test_a_controller_that_is_away_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away = "controller c0 (remote 127.0.0.1:1): doesn't answer (Connection refused)"
    monkeypatch.setattr(DryRunNetwork, "controllers", ("c0",))
    monkeypatch.setattr(DryRunNetwork, "health", lambda _: Health(running=True, notes=(away,)))
    capsys.readouterr()
    assert run(["check"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == away
    assert run(["check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["controllers"] == [away]


def test_what_is_computed_says_so(up: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "slow.yaml"]) == 0
    assert "(engine dry-run, computed)" in capsys.readouterr().out
    assert run(["check"]) == run(["status"]) == 0
    check, status, _ = capsys.readouterr().out.splitlines()
    assert check.endswith(" s (computed)")
    assert status.endswith("engine dry-run (computed)")


def test_the_times_of_up_sum(up: None, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["up", "slow.yaml", "--json"]) == 0
    seconds = json.loads(capsys.readouterr().out)["seconds"]
    assert sum(seconds.values()) == pytest.approx(2 * seconds["total"], abs=1e-4)
