"""The command line with engines on workers, where neither program is installed: each refusal says the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = pytest.mark.e2e

FILE = (
    "name: far\nengine: {name: ENGINE, workers: [w1, w2]}\ntopology: {generator: tree, depth: 2, fanout: 2}\n"
)


@pytest.fixture(params=["distrinet", "maxinet"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Name of an engine, for whose program `far.yaml` names workers and nothing else."""
    name = str(request.param)
    for option in ("PYTHON", "HOME", "WORKERS"):
        monkeypatch.delenv(f"EMULATOR_{name.upper()}_{option}", raising=False)
    (tmp_path / "far.yaml").write_text(FILE.replace("ENGINE", name))
    return name


def test_doctor_names_what_is_missing(cli: CommandLine, engine: str) -> None:
    found = cli.json("doctor", "far.yaml", code=3)
    assert found["findings"] == []  # what this machine has matters for its own nodes only
    reasons = found["file"]["reasons"]
    for option in ("python", "home"):
        assert any(f"{option}: PATH" in reason for reason in reasons)
        assert any(f"EMULATOR_{engine.upper()}_{option.upper()}" in reason for reason in reasons)


def test_up_is_refused_before_anything_is_made(cli: CommandLine, engine: str, state_dir: Path) -> None:
    said = cli("up", "far.yaml", code=3).stderr
    assert said.count("is installed in isn't known") == 2, engine
    assert not state_dir.exists()


def test_plan_places_nodes_on_the_files_workers(cli: CommandLine, engine: str) -> None:
    found = cli.json("plan", "far.yaml", code=3)
    assert found["engine"] == engine
    assert [worker["name"] for worker in found["workers"]] == ["w1", "w2"]
    assert sum(worker["nodes"] for worker in found["workers"]) == 7
    assert any(worker["tunnels"] for worker in found["workers"])
    assert any("MTU 1,450" in words for words in found["warnings"])


def test_imagined_workers_are_not_asked(cli: CommandLine, engine: str) -> None:
    found = cli.json("plan", "far.yaml", "--workers", "3")
    assert found["engine"] == engine
    assert [worker["name"] for worker in found["workers"]] == ["w1", "w2", "w3"]


def test_another_engine_ignores_the_options(cli: CommandLine, engine: str) -> None:
    assert cli.json("up", "far.yaml", "--engine", "dry-run")["engine"] == "dry-run", engine
    assert cli.json("status", "far")["networks"][0]["running"]
    cli("down", "far", code=0)
