"""The table of commands: every entry is there, and none is imported before it is run."""

from __future__ import annotations

import json
import subprocess
import sys
from pkgutil import resolve_name

import click
import pytest

from emulator.cli.main import COMMANDS, emulator, run
from topologies.formats.writers import WRITERS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_entry_of_a_command_is_that_command(name: str) -> None:
    found = emulator.get_command(click.Context(emulator), name)
    assert isinstance(found, click.Command)
    assert found is resolve_name(COMMANDS[name][0])
    assert found.name == name


def test_help_and_other_verbs_import_nothing_of_stress() -> None:
    words = (
        "import sys; from emulator.cli.main import run; run(['--help']); run(['down', '--help']); "
        "run(['up', '--help']); sys.exit(any(name.partition('.')[0] == 'stress' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, check=False).returncode == 0


def test_the_help_of_export_lists_the_formats_and_imports_no_graph() -> None:
    words = (
        "import sys; from emulator.cli.main import run; run(['export', '--help']); "
        "sys.exit(bool({'numpy', 'pydantic', 'networkx', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(name in done.stdout for name in WRITERS)


def test_the_schema_of_scenarios_is_found_by_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "--scenario"]) == 0
    scenario = json.loads(capsys.readouterr().out)
    assert run(["schema"]) == 0
    assert "steps" in scenario["properties"]
    assert "steps" not in json.loads(capsys.readouterr().out)["properties"]
