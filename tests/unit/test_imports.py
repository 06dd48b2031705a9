"""What commands on running networks leave alone: they read no file, and importing its models takes 0.1 s."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "emulator.engines.netns", "emulator.engines.cluster", "emulator.state", "emulator.agent.lifecycle",
        "emulator.interface.finding", "emulator.cli.execute", "emulator.cli.down", "emulator.cli.check",
        "emulator.cli.status",
    ],
)  # fmt: skip
def test_what_works_on_running_networks_imports_no_models_of_files(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'pydantic', 'yaml'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
