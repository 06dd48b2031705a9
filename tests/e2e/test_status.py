"""`status` when a record is damaged: it says so, and still tells of the other networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]


def test_a_damaged_record_hides_no_other_network(cli: CommandLine, tmp_path: Path, state_dir: Path) -> None:
    for name in ("aa", "bb"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\ntopology: {{generator: single}}\n")
        cli("up", f"{name}.yaml", "--engine", "dry-run", code=0)
    (state_dir / "aa" / "record.json").write_text("{")
    done = cli("status", "--json", code=1)
    assert {each["network"]: each["running"] for each in json.loads(done.stdout)["networks"]} == {
        "aa": False,
        "bb": True,
    }
    assert "aa: BROKEN" in done.stderr
    assert "emulator down aa" in done.stderr
    cli("status", "nothing", code=2)
    cli("down", "--all", code=0)
    assert "no network is up" in cli("status", code=0).stdout
