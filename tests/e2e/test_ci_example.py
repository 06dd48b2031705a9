"""docs/ci-example.yml: its commands are real ones, and its summary reads a report."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command import CommandLine

pytestmark = pytest.mark.e2e

CLONE = Path(__file__).parents[2]
NET = "name: ci\nengine: dry-run\ntopology: {generator: single, hosts: 3}\n"
SCENARIO = (
    "name: s\nsteps: [{action: port-flap, rate: 20, duration: 200 ms}]\nlimits: [errors == 0, errors > 0]\n"
)


def steps() -> list[dict[str, Any]]:
    job = yaml.safe_load((CLONE / "docs" / "ci-example.yml").read_text())["jobs"]["stress"]
    found: list[dict[str, Any]] = job["steps"]
    return found


def commands() -> list[list[str]]:
    """Return the words after `python -m emulator` of each step that has them."""
    start = 'sudo "$(which python)" -m emulator '
    return [shlex.split(step["run"].removeprefix(start)) for step in steps() if start in step.get("run", "")]


def test_its_commands_are_those_of_the_command_line(cli: CommandLine) -> None:
    assert [words[0] for words in commands()] == ["doctor", "stress", "down"]
    doctor, stress, down = commands()
    cli(*[str(CLONE / word) if "/" in word else word for word in doctor])
    planned = cli(*[str(CLONE / word) if "/" in word else word for word in stress], "--dry-run", code=0)
    assert "rolling" in planned.stderr
    cli(*down, code=0)


def test_its_summary_says_what_passed(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    cli("stress", "s.yaml", "--up", "net.yaml", "--report", "out", code=1)
    script = next(step["run"] for step in steps() if "GITHUB_STEP_SUMMARY" in step.get("run", ""))
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=True, timeout=60, env=environment)
    said = (tmp_path / "summary").read_text()
    assert "- passed errors == 0" in said
    assert "- **FAILED** errors > 0" in said
