"""What `status NAME` says when a part of the network can't be compared with its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.cli.main import run
from emulator.engines.dry_run import DryRunNetwork
from emulator.errors import BrokenError, EmulationError, LostWorkerError, UsageError


@pytest.mark.parametrize("kind", [BrokenError, LostWorkerError, UsageError])
@pytest.mark.usefixtures("state_dir")
def test_what_keeps_it_from_comparing_is_a_problem_of_the_network(
    kind: type[EmulationError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(network: DryRunNetwork) -> None:
        raise kind("w1: lost\nw2: no network `n`")

    (tmp_path / "n.yaml").write_text("name: n\nengine: dry-run\ntopology: {generator: single}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["up", "n.yaml"]) == 0
    monkeypatch.setattr(DryRunNetwork, "deviations", fail)
    capsys.readouterr()
    assert run(["status", "n", "--json"]) == 1
    captured = capsys.readouterr()
    (found,) = json.loads(captured.out)["networks"]
    assert (found["running"], found["deviations"]) == (False, None)
    assert found["problems"] == ["w1: lost", "w2: no network `n`"]
    assert "n: BROKEN" in captured.err
    assert "  w2: no network `n`" in captured.err
    assert run(["down", "n"]) == 0
